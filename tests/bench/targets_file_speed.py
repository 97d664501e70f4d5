"""How long it takes to read and check a targets.toml of a hundred targets.

Its rule: the best of several, in this process, as every command does it; the program's own start is not in it.
"""

import tempfile
import time
from pathlib import Path

from errors import UsageError
from profiles.targets import config_file
from tests.bench.contests import Outcome
from tests.bench.field import Field

TARGETS = 100
REPEATS = 7
BOUND_S = 0.2
_TARGET = """
[server-{0}]  # {0}
command = ["server", "--port", "{{port}}", "--root", "{{root}}", "--config", "{{scratch}}/server.conf"]
address = "127.0.0.1:{1}"
summary = "number {0}"
files = ["server.conf"]
env = {{ HOME = "{{scratch}}" }}
values = {{ workers = "{0}" }}
stop = "SIGQUIT"
"""


def outcome(_: Field) -> Outcome:
    seconds, wrong_s = _best()
    text = f"targets.toml: {TARGETS} targets are read and checked in {seconds * 1e3:.1f} ms"
    text += f", and with a mistake in each in {wrong_s * 1e3:.1f} ms (bound: {BOUND_S * 1e3:.0f} ms)"
    within = max(seconds, wrong_s) <= BOUND_S
    return Outcome(sentences=[text], verdicts={"targets.toml": "within" if within else "above"})


def _best() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as name:
        good, bad = Path(name) / "targets.toml", Path(name) / "wrong.toml"
        (Path(name) / "server.conf").write_text("listen {host}:{port}; root {root};")
        text = "".join(_TARGET.format(number, 9000 + number) for number in range(TARGETS))
        good.write_text(text)
        bad.write_text(text.replace("stop =", "stopp ="))
        return min(_read_s(good) for _ in range(REPEATS)), min(_read_s(bad) for _ in range(REPEATS))


def _read_s(path: Path) -> float:
    began_s = time.perf_counter()
    try:
        found = len(config_file.read(path, frozenset()))
    except UsageError as error:
        found = TARGETS if "[server-1]: there is no key stopp" in str(error) else 0
    assert found == TARGETS, path
    return time.perf_counter() - began_s
