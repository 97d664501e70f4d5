"""A campaign of the live page leaves the bench as it found it, however often it is stopped and whatever breaks."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gevent
import pytest
from gevent.event import Event

from load.campaign.settings import Settings
from load.web import campaign_task
from load.web.campaign_task import CampaignTask
from profiles.store.run_folder import RunFolder
from profiles.targets.variants import parse_all

SETTINGS = Settings(("read-send",), parse_all(("read-send",)), 1, 1, "discard", "make load", any_port=True)


class Bench:
    """done: what was done to the idle servers and by the campaign, in order. run: the campaign."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, run: Callable[..., object]) -> None:
        self.done: list[str] = []
        self.environment = SimpleNamespace(user_classes=["chosen"])
        agent = SimpleNamespace(on_other_machine=False)
        context: Any = SimpleNamespace(environment=self.environment, user_classes={}, agent=agent)
        self.loads = SimpleNamespace(in_campaign=False)
        idle_servers: Any = SimpleNamespace(stop_all=lambda: self.done.append("stop"), start_all=self.start_all)
        self.task = CampaignTask(context, idle_servers, cast(Any, self.loads), lambda _: None, lambda _: None)
        monkeypatch.setattr(campaign_task, "run_campaigns", run)

    def start_all(self) -> None:
        gevent.sleep(0)
        self.done.append("start")

    def begin(self, folder: Path) -> None:
        self.task.begin(SETTINGS, RunFolder(folder / "run"), lambda: None)

    @property
    def is_as_before(self) -> bool:
        return self.environment.user_classes == ["chosen"] and not self.loads.in_campaign and not self.task.running


def test_stopping_twice_lets_the_campaign_and_the_bench_tidy_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    begun = Event()

    def run(*_: object) -> None:
        try:
            begun.set()
            Event().wait()
        finally:
            gevent.sleep(0)  # it tells the agent, and others run meanwhile
            bench.done.append("tidy")

    bench = Bench(monkeypatch, run)
    bench.begin(tmp_path)
    begun.wait()
    assert bench.loads.in_campaign and bench.environment.user_classes == []
    gevent.joinall([gevent.spawn(bench.task.stop) for _ in range(5)])
    assert bench.done == ["stop", "tidy", "start"] and bench.is_as_before
    assert bench.task.newest is not None and bench.task.newest.state == "stopped"
    bench.task.stop()
    assert bench.done == ["stop", "tidy", "start"]


def test_an_error_of_ours_fails_the_campaign_and_not_the_bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def run(*_: object) -> None:
        raise KeyError("sendfile")

    bench = Bench(monkeypatch, run)
    bench.begin(tmp_path)
    while bench.task.running:
        gevent.sleep(0)
    assert bench.done == ["stop", "start"] and bench.is_as_before
    state = bench.task.newest
    assert state is not None
    assert (state.state, state.error) == ("failed", "the bench has an error: KeyError('sendfile')")


def test_at_the_end_of_the_bench_no_server_is_started_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun = Event()

    def run(*_: object) -> None:
        begun.set()
        Event().wait()

    bench = Bench(monkeypatch, run)
    bench.begin(tmp_path)
    begun.wait()
    bench.task.close()
    assert bench.done == ["stop"] and not bench.task.running
