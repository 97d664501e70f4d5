"""Statuses of the idle servers are never older than the question, whoever asks while the agent answers."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from errors import UserError
from load.agent.client import AgentClient
from load.interactive.idle_servers import IdleServers
from profiles.protocol import Start, TargetStatus


class SlowAgent:
    """Before it answers, it does (once each) what is in `meanwhile`: somebody else asks, or stops a server."""

    def __init__(self) -> None:
        self.state = "running"
        self.meanwhile: list[Callable[[], object]] = []
        self.requests = 0

    def facts(self) -> Any:
        return None

    def stop(self, mode: str) -> None:
        self.state = "stopped"

    def start(self, asked: Start) -> TargetStatus:
        self.state = "running"
        return TargetStatus(asked.target, "running", host="127.0.0.1", port=8082)

    def statuses(self) -> list[TargetStatus]:
        self.requests += 1
        state = cast(Any, self.state)
        if self.meanwhile:
            self.meanwhile.pop()()
        return [TargetStatus("sendfile", state), TargetStatus("sendfile@again", state)]


def idle_servers(agent: SlowAgent) -> IdleServers:
    made = IdleServers(cast(AgentClient, agent), {}, any_port=True)
    made._classes["sendfile"] = cast(Any, None)
    return made


def test_no_older_answer_is_given_while_the_agent_answers() -> None:
    agent = SlowAgent()
    servers = idle_servers(agent)
    answers: list[list[TargetStatus]] = []
    agent.meanwhile.append(lambda: answers.append(servers.statuses()))
    servers.statuses()
    assert [[status.state for status in statuses] for statuses in answers] == [["running"]]


def test_an_answer_is_reused_for_a_moment() -> None:
    agent = SlowAgent()
    servers = idle_servers(agent)
    assert servers.statuses() is servers.statuses()
    assert agent.requests == 1


def test_variants_that_a_campaign_started_are_not_among_them() -> None:
    assert [status.name for status in idle_servers(SlowAgent()).statuses()] == ["sendfile"]


def test_a_change_while_the_agent_answers_is_asked_for_again() -> None:
    agent = SlowAgent()
    servers = idle_servers(agent)
    agent.meanwhile.append(servers.stop_all)
    servers.statuses()
    assert [status.state for status in servers.statuses()] == ["stopped"]


def test_a_mode_that_is_missing_has_no_server_and_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    agent = SlowAgent()
    servers = idle_servers(agent)
    servers._classes["sendfile"] = cast(Any, SimpleNamespace(url=lambda: "http://127.0.0.1:8082"))
    reasons = iter(["no such call", None])
    monkeypatch.setattr("load.interactive.idle_servers.missing_reason", lambda _: next(reasons))
    servers.start("sendfile")
    assert agent.state == "stopped"
    with pytest.raises(UserError, match="sendfile is missing on this machine: no such call"):
        servers.refuse_missing(["splice", "sendfile"])
    servers.start("sendfile")  # it can be had by now
    servers.refuse_missing(["sendfile"])
    assert agent.state == "running"
