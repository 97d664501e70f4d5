"""What the live page costs: two browsers that look on against none, and how long a poll takes.

Its rule: one load by hand goes on all the time, as the page starts it, while the browsers look on and look away in
turn; windows are paired with their neighbours, in random order, since what a shared machine does for minutes must not
count. Bytes are those of the loopback interface, CPU that of the server's clock. The browsers are real ones, and draw
on the same machine. Both ratios are to stay within 1 % of 1, so a bound counts as missed when the whole interval lies
outside.
"""

import contextlib
import json
import random
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from errors import UserError
from profiles.metrics.own_readings import cpu_s
from profiles.store.run_folder import RunFolder
from profiles.targets.catalog import PROJECT
from reports.analysis.paired_ratio import Paired, paired_ratio
from tests import browser
from tests.bench.contests import Outcome, Verdict, new_table
from tests.bench.field import Field
from tests.browser import Browser
from tests.conftest import eventually
from tests.load.locust_process import Locust, serving
from units import GIB

MODE, USERS = "sendfile", 4
WINDOW_S, SETTLE_S, PAIRS = 2.0, 1.0, 40
LOW, HIGH = 0.99, 1.01
POLLS, POLL_BOUND_MS = 60, 20.0
WIDTH, HEIGHT = 1440, 1000


@dataclass(frozen=True, slots=True)
class _Seen:
    gib_per_s: float
    server_cpu_s_per_gib: float


@dataclass(frozen=True, slots=True)
class _Edge:
    moment_s: float
    sent_bytes: int
    server_s: float

    @classmethod
    def now(cls, pid: int) -> "_Edge":
        return cls(time.monotonic(), psutil.net_io_counters(pernic=True)["lo"].bytes_sent, cpu_s(pid))

    def since(self, before: "_Edge") -> _Seen:
        gib = (self.sent_bytes - before.sent_bytes) / GIB
        return _Seen(gib / (self.moment_s - before.moment_s), (self.server_s - before.server_s) / gib)


def outcome(field: Field) -> Outcome:
    result = Outcome()
    field.make_file(field.large_bytes)
    _watched(field, result)
    _polled(field, result)
    return result


def _watched(field: Field, result: Outcome) -> None:
    """Windows with two browsers that look on, and without."""
    if reason := browser.missing():
        result.sentences.append(f"two browsers against none: skipped: {reason}")
        return
    chance = random.Random(1)
    served = field.folder / str(field.large_bytes)
    pairs: list[dict[bool, _Seen]] = []
    with serving(served) as bench, browser.browser() as first, browser.browser() as second:
        _pin(bench)
        with _loaded(bench) as pid:
            for _ in range(PAIRS + 1):
                order = chance.sample([True, False], 2)
                pairs.append({looked_at: _window(bench, pid, (first, second), looked_at) for looked_at in order})
    del pairs[0]  # discarded: what is made once
    title = f"two browsers that look on against none: {MODE}, {USERS} users, {PAIRS} pairs of {WINDOW_S:g} s"
    table = new_table(title, "", "two", "none", "ratio", "95 % interval", "bounds", "")
    for name in ("gib_per_s", "server_cpu_s_per_gib"):
        two, none = ([getattr(pair[looked_at], name) for pair in pairs] for looked_at in (True, False))
        found = paired_ratio(list(zip(two, none, strict=True)))
        verdict = result.verdicts[f"{name} with two browsers"] = _verdict(found)
        middles = (f"{statistics.median(values):.4g}" for values in (two, none))
        interval = "–" if found.low is None else f"[{found.low:.3f}, {found.high:.3f}]"
        table.add_row(name, *middles, f"{found.ratio:.3f}x", interval, f"{LOW} … {HIGH}", verdict)
    result.tables.append(table)


def _pin(bench: Locust) -> None:
    """The load on a CPU of its own, all that serves on the others, as in a campaign; browsers are free."""
    first, *others = sorted(psutil.Process().cpu_affinity())
    if others:
        for child in bench.helpers():
            child.cpu_affinity(others)
        psutil.Process(bench.process.pid).cpu_affinity([first])


@contextlib.contextmanager
def _loaded(bench: Locust) -> Iterator[int]:
    """A load by hand that goes on; yields the server's PID. Raises UserError where a download failed."""
    status, answer = bench.ask("/load/start", {"modes": [MODE], "users": USERS})
    if status != 200:
        raise UserError(f"the load did not start: {answer['error']}")
    yield next(child.pid for child in bench.helpers() if MODE in child.cmdline())
    run = bench.state()["run"]
    bench.ask("/load/stop")
    eventually(lambda: bench.state()["doing"] == "nothing")
    (cell,) = RunFolder(bench.served / "profiles" / run).read_cells()
    if cell.failures:
        raise UserError(f"the load failed: {cell.failure_names}")


def _window(bench: Locust, pid: int, browsers: tuple[Browser, ...], looked_at: bool) -> _Seen:
    for each in browsers:
        each.show(bench.url() if looked_at else "about:blank", WIDTH, HEIGHT)
        if looked_at:
            each.wait_for("document.querySelectorAll('.chart canvas').length > 0")
    time.sleep(SETTLE_S)
    first = _Edge.now(pid)
    time.sleep(WINDOW_S)
    return _Edge.now(pid).since(first)


def _verdict(found: Paired) -> Verdict:
    if found.low is None or found.high is None:
        return "too few rounds"
    if found.low >= LOW and found.high <= HIGH:
        return "within"
    return "above" if found.high < LOW or found.low > HIGH else "unclear"


def _polled(field: Field, result: Outcome) -> None:
    """Polls of a page that has an hour of history: the first, which gets all of it, and those that follow."""
    with _an_hour(field) as port:
        first_ms, last, size = _poll(port, "")
        times = []
        for _ in range(POLLS):
            took_ms, last, _size = _poll(port, last)
            times.append(took_ms)
    middle, worst = statistics.median(times), sorted(times)[-max(1, POLLS // 20)]
    result.sentences.append(
        f"a poll with an hour of history: {middle:.1f} ms, {worst:.1f} ms at the 95th percentile of {POLLS} (bound: "
        f"{POLL_BOUND_MS:.0f} ms); the first one, with all of its {size / 1e6:.1f} MB: {first_ms:.1f} ms"
    )
    result.verdicts["a poll"] = "within" if middle <= POLL_BOUND_MS else "above"


@contextlib.contextmanager
def _an_hour(field: Field) -> Iterator[int]:
    command = [sys.executable, "-m", "tests.bench.live_ui", str(field.folder / str(field.large_bytes))]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        words = process.stdout.readline().split()
        if words[:2] != ["ready", "live"]:
            raise UserError("the page with an hour of history did not start; what it said stands above")
        yield int(words[2])
        process.stdin.close()


def _poll(port: int, last: str) -> tuple[float, str, int]:
    """Milliseconds, what to ask with next, and the size of the answer in bytes."""
    began_s = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/bench/poll?{last}") as response:
        content = response.read()
    took_ms = 1e3 * (time.perf_counter() - began_s)
    points = json.loads(content)["points"]
    return took_ms, f"fine={points['last'][0]}&coarse={points['last'][1]}&epoch={points['epoch']}", len(content)
