"""The fixed loop between cells: the least of some tries, on the CPUs that were asked for; nothing is left behind."""

import os
import time

import pytest

from profiles.metrics.cpu_speed import TRIES, cpu_probe_us


def test_it_is_the_least_of_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    moments_ns = iter([0, 400_000, 0, 350_000, 0, 500_000])
    monkeypatch.setattr(time, "thread_time_ns", lambda: next(moments_ns))
    assert cpu_probe_us(()) == 350.0
    assert next(moments_ns, None) is None and TRIES == 3


@pytest.mark.parametrize("given", [(), (max(os.sched_getaffinity(0)),), (1 << 12,)], ids=["any", "one", "none there"])
def test_it_runs_where_the_servers_do_and_the_thread_comes_back(
    monkeypatch: pytest.MonkeyPatch, given: tuple[int, ...]
) -> None:
    allowed, read_ns = os.sched_getaffinity(0), time.thread_time_ns
    seen: list[set[int]] = []

    def watched() -> int:
        seen.append(os.sched_getaffinity(0))
        return read_ns()

    monkeypatch.setattr(time, "thread_time_ns", watched)
    assert cpu_probe_us(given) > 0
    assert seen == [allowed.intersection(given) or allowed] * len(seen)
    assert os.sched_getaffinity(0) == allowed
