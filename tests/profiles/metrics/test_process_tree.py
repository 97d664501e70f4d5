"""A tree of processes is counted as one: what came and went between two readings is not lost, and nothing goes down."""

import os
import signal
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from profiles.metrics import process_tree
from profiles.metrics.process import METRICS, ProcessReader, Values
from profiles.protocol import Start
from profiles.targets.external_server import ExternalServer, serving
from tests.conftest import eventually
from tests.profiles.targets.external_servers import alive, external

BURNT_S = 0.3
TICK_S = 0.01
COUNTERS = [metric.facts.name for metric in METRICS if metric.facts.kind == "counter"]


@contextmanager
def running(served: Path, *how: str) -> Iterator[ExternalServer]:
    with serving(external(served, *how), served, Start("external", any_port=True)) as server:
        yield server


def burn(server: ExternalServer) -> None:
    """Have it start a process that burns CPU, and ends."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/burn", timeout=10) as answer:
        assert answer.read() == b"x" * 9


def grown(before: Values, after: Values) -> dict[str, float]:
    found = {name: (after[name] or 0.0) - (before[name] or 0.0) for name in COUNTERS}
    assert min(found.values()) >= 0, found
    return found


@pytest.mark.parametrize("how", [("waits",), ("daemonises", "waits")])
def test_what_a_process_paid_that_came_and_went_between_readings_is_kept(served: Path, how: tuple[str, ...]) -> None:
    with running(served, *how) as server:
        before = server.reader.read()
        burn(server)
        eventually(lambda: not any(psutil.Process(pid).children() for pid in server.pids))  # ended, and was waited for
        assert grown(before, server.reader.read())["cpu_s"] >= BURNT_S - TICK_S


def test_what_nobody_waited_for_is_kept_as_it_was_read_last(served: Path) -> None:
    with running(served, "no-wait") as server:
        before = server.reader.read()
        burn(server)
        readings = [before]

        def it_came_and_went() -> bool:
            readings.append(server.reader.read())
            return len(readings) > 4 and len(server.pids) == 1

        eventually(it_came_and_went)
        seen_s = max((reading["cpu_s"] or 0.0) for reading in readings) - (before["cpu_s"] or 0.0)
        for earlier, later in pairwise(readings):
            grown(earlier, later)
        assert seen_s > 0
        assert grown(before, server.reader.read())["cpu_s"] >= seen_s - TICK_S


def test_a_worker_that_dies_takes_nothing_with_it(served: Path) -> None:
    with running(served, "workers") as server:
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/test-file.bin", timeout=10) as answer:
                answer.read()
        before = server.reader.read()
        worker = server.pids[-1]
        own = ProcessReader(worker).read()
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: not psutil.pid_exists(worker))  # its parent has waited for it
        after = server.reader.read()
        assert worker not in server.pids
        assert all(value >= 0 for value in grown(before, after).values())
        assert (after["voluntary_switches"] or 0) >= (own["voluntary_switches"] or 0)
        assert (after["threads"] or 0) < (before["threads"] or 0)


def test_processes_are_summed_and_the_reaper_is_not_one_of_them(served: Path) -> None:
    with running(served, "workers") as server:

        def adds_up(name: str) -> bool:
            whole, each = server.reader.read(), [ProcessReader(pid).read() for pid in server.pids]
            assert server.reader.pid not in server.pids and len(each) == 3
            return whole[name] == pytest.approx(sum((one[name] or 0) for one in each), rel=0.01)

        eventually(lambda: adds_up("threads"))  # the workers may still be starting
        eventually(lambda: adds_up("rss_bytes"))


def test_a_tree_of_which_nothing_is_left_says_so(served: Path) -> None:
    with running(served, "workers") as server:
        server.end()
        with pytest.raises(ProcessLookupError):
            server.reader.read()


def test_who_is_alive_can_be_asked_while_it_is_read(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the agent does, whose sampler reads in a thread of its own."""
    is_there = ProcessReader.is_there

    def reads_meanwhile(reader: ProcessReader) -> bool:
        server.reader.read()
        return is_there(reader)

    with running(served, "workers") as server:
        main, worker, other = server.pids
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: alive([worker]) == [])
        monkeypatch.setattr(ProcessReader, "is_there", reads_meanwhile)
        assert set(server.reader.alive()) - {worker} == {main, other}


def test_children_are_found_without_the_kernels_list_too(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(served, "workers") as server:
        listed = process_tree.children(server.pid)
        monkeypatch.setattr(process_tree, "_kernel_lists_children", lambda: False)
        assert sorted(process_tree.children(server.pid)) == sorted(listed) and len(listed) == 2
