"""How long a report takes and how much memory, of many rounds and modes and of an hour's samples; how soon it is seen.

Its rule: made-up runs (tests/reports/synthetic.py), each reported by a process of its own, as `make report` is; the
second of two is looked at, since the first may have to make the page's script.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from errors import UserError
from profiles.store.records import Sample
from profiles.targets.catalog import PROJECT
from reports.page import PAGE_FILE
from tests.bench.contests import Outcome
from tests.bench.field import Field
from tests.bench.first_paint import first_paint
from tests.reports import synthetic

MODES = ("read-send", "sendfile", "read-whole", *(f"mode-{number}" for number in range(11)))
ROUNDS, BOUND_S = 24, 3.0
HOUR_S, HOUR_BOUND_S, HOUR_BOUND_MB = 3600, 10.0, 500.0


def outcome(field: Field) -> Outcome:
    folder = field.folder / "report-speed"
    wide = synthetic.run(MODES, ROUNDS, name="wide")
    synthetic.write(folder, wide)
    hour = synthetic.run(name="hour")
    synthetic.write(folder, hour, sampled=False).append(*_an_hour(hour.sample_interval_s))
    wide_s, _mb = timed_report(folder, "wide")
    hour_s, hour_mb = timed_report(folder, "hour")
    painted, paint_verdict = first_paint(folder / "reports" / "wide" / PAGE_FILE)
    return Outcome(
        sentences=[
            f"report of {ROUNDS} rounds x {len(MODES)} modes: {wide_s:.1f} s (bound: {BOUND_S:.0f} s)",
            f"report of an hour's samples: {hour_s:.1f} s, {hour_mb:.0f} MB "
            f"(bounds: {HOUR_BOUND_S:.0f} s, {HOUR_BOUND_MB:.0f} MB)",
            painted,
        ],
        verdicts={
            "first screen": paint_verdict,
            "report": "within" if wide_s <= BOUND_S else "above",
            "an hour's report": "within" if hour_s <= HOUR_BOUND_S and hour_mb <= HOUR_BOUND_MB else "above",
        },
    )


def _an_hour(interval_s: float) -> Iterator[Sample]:
    names = ("user_s", "system_s", "voluntary_switches", "involuntary_switches", "rss_bytes", "threads")
    for step in range(round(HOUR_S / interval_s)):
        for process, pid in (("sendfile", 4000 + step // 200), ("load", 3999), ("machine", 0), ("sampler", 0)):
            yield Sample(step * interval_s, process, pid, dict.fromkeys(names, 0.3 * step))


def timed_report(folder: Path, name: str) -> tuple[float, float]:
    """Seconds and the largest resident size in MB, of the second time."""
    for _ in range(2):
        arguments = [name, "--runs-folder", str(folder), "--reports-folder", str(folder / "reports")]
        began_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "reports", *arguments], cwd=PROJECT, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        took_s, process.returncode = time.monotonic() - began_s, os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise UserError(f"the report of {name} failed; what it said stands above")
    return took_s, usage.ru_maxrss / 1024  # KiB, getrusage(2)
