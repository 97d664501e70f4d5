"""Files of 4 KiB: server CPU per request, and where Python's own cost drowns the data path.

Its rule: nothing is judged here. What ours costs per request beyond the C floor is Python's; the floor of the same
path, and what the two paths cost per byte of a large file, say how large a file must be for the path to matter.
"""

from reports.analysis.rounds import PRIMARY, Dataset
from tests.bench import opponents
from tests.bench.contests import SHOWN_ROUNDS, Outcome, campaign, new_table
from tests.bench.field import Field
from tests.bench.opponents import floor_of
from units import GIB, KIB, format_size

SMALL_BYTES = 4 * KIB
PATHS = ("sendfile", "read-send")


def outcome(field: Field) -> Outcome:
    floors = tuple(map(floor_of, PATHS))
    nginx = opponents.NGINX if opponents.find_nginx() else ()
    small = campaign(field, SMALL_BYTES, (*floors, *PATHS, *nginx), judged=False)
    large = campaign(field, field.large_bytes, floors, judged=False)
    table = new_table(f"Files of 4 KiB: medians over {SHOWN_ROUNDS} rounds", "", "CPU µs/request")
    for mode in small.modes:
        table.add_row(mode, f"{_request_us(small, mode):,.1f}")
    result = Outcome([table], [_python_share(small, path) for path in PATHS])
    result.sentences.append(_where_it_drowns(small, large))
    if not nginx:
        result.sentences.append(f"skipped: {opponents.NO_NGINX}")
    return result


def _cost(records: Dataset, mode: str) -> float:
    """Server CPU seconds per byte."""
    found = records.spread(mode, PRIMARY)
    assert found is not None
    return found.median / GIB


def _request_us(small: Dataset, mode: str) -> float:
    return _cost(small, mode) * SMALL_BYTES * 1e6


def _python_us(small: Dataset, path: str) -> float:
    """What Python adds to a request."""
    return _request_us(small, path) - _request_us(small, floor_of(path))


def _python_share(small: Dataset, path: str) -> str:
    ours, python = _request_us(small, path), _python_us(small, path)
    return (
        f"{path} at 4 KiB: {ours:.1f} µs of CPU per request, of which {python:.1f} µs ({python / ours:.0%}) are not in "
        f"the data path: the C floor does the same in {ours - python:.1f} µs"
    )


def _where_it_drowns(small: Dataset, large: Dataset) -> str:
    """The size at which sendfile has saved, over read-send, what Python costs per request."""
    sendfile, read_send = (_cost(large, floor_of(path)) for path in PATHS)
    python, saved = _python_us(small, "sendfile") / 1e6, read_send - sendfile
    if python <= 0 or saved <= 0:
        return "where Python's cost drowns the data path cannot be said from these rounds: too much noise"
    return (
        f"sendfile saves {saved * GIB:.3f} s/GiB over read-send in C, Python adds {python * 1e6:.1f} µs to a request: "
        f"below {format_size(python / saved)} Python's own cost is larger than all that the better path can save"
    )
