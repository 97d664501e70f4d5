"""Our sendfile against nginx's, at its best (nginx.py), in CPU seconds per GiB under the same C client.

Its rule: the master and the worker count, and both servers send with the same congestion control, which is printed.
Beside ours stands the least that Python can serve with (bare_server.py): what that pays more than nginx is Python's,
and what ours pays more than that is for reading requests and for files that may change.
"""

from typing import Literal

from tests.bench import nginx
from tests.bench.contests import Contest, Outcome, Readings, judge, sides_of
from tests.bench.sides import Field, Reading, Side
from units import MIB, format_size

BOUND = 1.00
SKIPPED = "skipped: nginx is not installed here, so there is nothing to compare with (Debian: nginx-light)"


def contests(field: Field) -> list[Contest]:
    """Judged against nginx at its best: it asks once an hour whether a file has changed, and ours at every request."""
    if nginx.find() is None:
        return []
    return [
        _contest("sendfile", "sendfile on", field.large_bytes, BOUND),
        _contest("read-send", "sendfile off", field.large_bytes, None),
        _contest("sendfile", "sendfile on", MIB, BOUND),
        _contest("sendfile", "sendfile on", MIB, None, "bare"),
        _contest("sendfile", "sendfile on, no open_file_cache", MIB, None),
        _contest("read-send", "sendfile off", MIB, None),
    ]


def _contest(
    ours: str, theirs: str, size_bytes: int, bound: float | None, program: Literal["ours", "bare"] = "ours"
) -> Contest:
    pair = Side(program, ours, size_bytes), Side("nginx", theirs, size_bytes)
    name = f"{'' if program == 'ours' else 'bare '}{ours} and nginx {theirs}, {format_size(size_bytes)}"
    return Contest(name, *pair, bound, Reading.cpu_s_per_gib)


def sides(field: Field) -> list[Side]:
    return sides_of(contests(field))


def outcome(field: Field, readings: Readings) -> Outcome:
    found = contests(field)
    if not found:
        return Outcome(sentences=[SKIPPED])
    judged = judge(f"Against {nginx.version()}, CPU seconds per GiB, pinned: master and worker", found, readings)
    used = ", ".join(f"{program} {'/'.join(sorted(names))}" for program, names in sorted(field.congestion().items()))
    judged.sentences.append(f"congestion control: {used}")
    judged.sentences += [f"nginx {path}: {directives}" for path, directives in nginx.PATHS.items()]
    return judged
