"""What is known of the standing servers: never what was known before, whoever asks while the agent is asked."""

from typing import Any, cast

from load.agent.client import AgentClient
from load.interactive.idle_servers import IdleServers
from profiles.protocol import TargetStatus


class Host:
    """An agent that is slow to answer: meanwhile somebody else wants to know, and (once) a server is stopped."""

    def __init__(self) -> None:
        self.state = "running"
        self.meanwhile: list[Any] = []
        self.asked = 0

    def facts(self) -> Any:
        return None

    def stop(self, mode: str) -> None:
        self.state = "stopped"

    def statuses(self) -> list[TargetStatus]:
        self.asked += 1
        state = cast(Any, self.state)
        for deed in [self.meanwhile.pop()] if self.meanwhile else []:
            deed()
        return [TargetStatus("sendfile", state)]


def standing(host: Host) -> IdleServers:
    return IdleServers(cast(AgentClient, host), {}, any_port=True)


def test_who_asks_while_the_agent_is_asked_is_told_no_older_answer() -> None:
    host = Host()
    bench = standing(host)
    told: list[list[TargetStatus]] = []
    host.meanwhile.append(lambda: told.append(bench.statuses()))
    bench.statuses()
    assert [[status.state for status in statuses] for statuses in told] == [["running"]]


def test_an_answer_is_kept_for_a_moment() -> None:
    host = Host()
    bench = standing(host)
    assert bench.statuses() is bench.statuses()
    assert host.asked == 1


def test_what_changed_while_the_agent_was_asked_is_asked_for_again() -> None:
    host = Host()
    bench = standing(host)
    bench._classes["sendfile"] = cast(Any, None)
    host.meanwhile.append(bench.stop_all)
    bench.statuses()
    assert [status.state for status in bench.statuses()] == ["stopped"]
