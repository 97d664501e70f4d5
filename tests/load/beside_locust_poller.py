"""While a campaign runs the charts get a point per round, and none of the spikes of its slices."""

import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import gevent
import pytest
from gevent import GreenletExit

from load.web.poller import Poller
from load.web.rates import COLUMNS
from profiles.protocol import TimedSample
from reports.analysis.rounds import build
from tests.reports import synthetic

RECEIVED = COLUMNS.index("received")


class Bench:
    """An agent whose machine has a core busy in user mode, without servers that anybody loads."""

    def __init__(self) -> None:
        self._moment_s = 0.0
        agent = SimpleNamespace(newest_sample=lambda: 0, samples=self._samples)
        context: Any = SimpleNamespace(agent=agent, environment=SimpleNamespace(runner=None), user_classes={})
        self.loads = SimpleNamespace(in_campaign=False)
        idle_servers = SimpleNamespace(modes=(), statuses=list)
        self.poller = Poller(context, cast(Any, idle_servers), cast(Any, self.loads))

    def _samples(self, last: int) -> Any:
        self._moment_s += 0.5
        machine = TimedSample(self._moment_s, "machine", 0, {"user_s": self._moment_s, "system_s": 0.0, "steal_s": 0.0})
        return SimpleNamespace(last=last + 1, samples=[machine])

    def refresh(self, times: int) -> None:
        for _ in range(times):
            self.poller.refresh()

    def add_round(self, number: int) -> None:
        run = synthetic.run(rounds=3)
        cells = [replace(cell, round=cell.round + 1) for cell in synthetic.cells(run)]
        self.poller.add_round(build(run, tuple(cell for cell in cells if cell.round <= number)))

    def points(self) -> list[dict[str, Any]]:
        return cast(list[dict[str, Any]], json.loads(self.poller.history.since("", -1, -1))["fine"])


def test_a_campaign_is_a_point_per_round_between_two_gaps() -> None:
    bench = Bench()
    bench.refresh(3)
    bench.loads.in_campaign = True
    bench.refresh(5)
    bench.add_round(1)
    bench.refresh(5)
    bench.add_round(2)
    bench.add_round(2)  # the next round was lost: nothing is new
    bench.loads.in_campaign = False
    bench.refresh(2)
    points = bench.points()
    assert [sorted(point["p"]) for point in points[3:7]] == [[], *[["load", "read-send", "sendfile"]] * 2, []]
    assert len(points) == 3 + 1 + 2 + 1 + 2
    assert [point["m"] for point in points[3:7]] == [[None] * 3, [1, 0, 0], [1, 0, 0], [None] * 3]
    first, second = (point["p"]["sendfile"][RECEIVED] for point in points[4:6])
    assert first > 0 and second > 0 and first != second


def test_an_error_of_the_loop_is_said_and_does_not_end_it(capsys: pytest.CaptureFixture[str]) -> None:
    bench = Bench()
    troubles: list[str | None] = []

    def fail() -> None:
        raise KeyError("sendfile")

    steps: list[Callable[[], object]] = [fail, bool, bool]

    def refresh() -> None:
        troubles.append(bench.poller.trouble)
        if not steps:
            raise GreenletExit
        steps.pop(0)()

    bench.poller.refresh = refresh  # type: ignore[method-assign]
    gevent.spawn(bench.poller._poll_loop).join()
    assert troubles == [None, "the bench has an error: KeyError('sendfile'); it goes on", None, None]
    assert "KeyError" in capsys.readouterr().err
