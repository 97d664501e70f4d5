"""Files of 4 KiB: requests per second, CPU per request, and where Python's own cost drowns the data path.

Its rule: nothing is judged here. What ours costs per request beyond the C floor is Python's; the floor of the same
path, and what the two paths cost per byte of a large file, say how large a file must be for the path to matter.
"""

from tests.bench import nginx
from tests.bench.contests import Outcome, Readings, middle, new_table
from tests.bench.sides import Field, Reading, Side
from units import GIB, KIB, format_size

SMALL_BYTES = 4 * KIB
PATHS = ("sendfile", "read-send")


def small_sides() -> list[Side]:
    opponents = nginx.PATHS if nginx.find() else ()
    return [
        *(Side("ours", path, SMALL_BYTES) for path in PATHS),
        *(Side("C", path, SMALL_BYTES) for path in PATHS),
        *(Side("nginx", path, SMALL_BYTES) for path in opponents),
    ]


def sides(field: Field) -> list[Side]:
    return [*small_sides(), *(Side("C", path, field.large_bytes) for path in PATHS)]


def outcome(field: Field, readings: Readings) -> Outcome:
    title = "Files of 4 KiB, pinned: medians over the rounds; below 1.0 CPUs the client or neighbours set the pace"
    table = new_table(title, "", "requests/s", "CPU µs/request", "server's CPUs")
    for side in small_sides():
        figures = (middle(readings, side, of) for of in (Reading.requests_per_s, Reading.cpu_us_per_request))
        table.add_row(
            str(side), *(f"{figure:,.1f}" for figure in figures), f"{middle(readings, side, Reading.busy):.2f}"
        )
    sentences = [_python_share(readings, path) for path in PATHS]
    sentences.append(_where_it_drowns(readings, field.large_bytes))
    if nginx.find() is None:
        sentences.append("skipped: nginx, which is not installed here (Debian: nginx-light)")
    return Outcome([table], sentences)


def _python_us(readings: Readings, path: str) -> float:
    """What Python adds to a request."""
    ours, floor = (_request_us(readings, program, path) for program in ("ours", "C"))
    return ours - floor


def _request_us(readings: Readings, program: str, path: str) -> float:
    side = next(side for side in small_sides() if (side.program, side.path) == (program, path))
    return middle(readings, side, Reading.cpu_us_per_request)


def _python_share(readings: Readings, path: str) -> str:
    ours, python = _request_us(readings, "ours", path), _python_us(readings, path)
    return (
        f"{path} at 4 KiB: {ours:.1f} µs of CPU per request, of which {python:.1f} µs ({python / ours:.0%}) are not in "
        f"the data path: the C floor does the same in {ours - python:.1f} µs"
    )


def _where_it_drowns(readings: Readings, large_bytes: int) -> str:
    """The size at which sendfile has saved, over read-send, what Python costs per request."""
    sendfile, read_send = (
        middle(readings, Side("C", path, large_bytes), Reading.cpu_s_per_gib) / GIB * 1e6 for path in PATHS
    )
    python, saved = _python_us(readings, "sendfile"), read_send - sendfile
    if python <= 0 or saved <= 0:
        return "where Python's cost drowns the data path cannot be said from these rounds: too much noise"
    return (
        f"sendfile saves {saved * GIB / 1e6:.3f} s/GiB over read-send in C, Python adds {python:.1f} µs to a request: "
        f"below {format_size(python / saved)} Python's own cost is larger than all that the better path can save"
    )
