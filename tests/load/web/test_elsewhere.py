"""The page of a master: its servers are an agent's elsewhere, its users are workers'."""

from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.load.locust_process import Locust, serving
from tests.profiles.agent.listening import end, start, token_file

pytestmark = pytest.mark.slow

FEW = ("sendfile",)


def running(bench: Locust) -> bool:
    state = bench.state()
    states = {server["name"]: server["state"] for server in state["servers"]}
    return state["trouble"] is None and states.get("sendfile") == "running"


def test_an_agent_that_was_started_anew_gets_its_servers_again(served: Path) -> None:
    agent, port = start(served)
    options = ["--agent", f"127.0.0.1:{port}", "--agent-token-file", str(token_file(served))]
    try:
        with serving(served, *options, few=FEW) as bench:
            eventually(lambda: running(bench))
            end(agent)
            eventually(lambda: "does not answer" in (bench.state()["trouble"] or ""))
            agent, _ = start(served, port=port)
            eventually(lambda: running(bench))
            assert bench.ask("/load/start", {"modes": ["sendfile"], "users": 1})[0] == 200
            eventually(lambda: bench.state()["doing"] == "load")
            (folder,) = bench.runs()
            assert " ".join(options) in folder.read_run().command
            bench.ask("/load/stop")
    finally:
        end(agent)


def test_a_campaign_is_repeated_there_and_its_file_is_made_there(served: Path) -> None:
    agent, port = start(served)
    options = ["--agent", f"127.0.0.1:{port}", "--agent-token-file", str(token_file(served))]
    try:
        with serving(served, *options, few=FEW) as bench:
            given = {"modes": ["sendfile"], "users": 1, "window": 0.2, "profile": 0}
            assert bench.ask("/load/start", {"modes": ["sendfile"], "size": "1MiB"})[0] == 200
            eventually(lambda: "the file is on the agent's machine" in bench.state()["load_error"])
            assert bench.ask("/campaign/start", {"given": given})[0] == 200
            eventually(lambda: bool(bench.runs()))
            bench.ask("/campaign/stop")
            (folder,) = bench.runs()
            command = folder.read_run().command
            assert f"AGENT=127.0.0.1:{port} AGENT_TOKEN_FILE=" in command and "SIZE=" not in command
    finally:
        end(agent)


@pytest.mark.usefixtures("own_ports")
def test_without_workers_a_load_is_refused_where_it_was_asked_for(served: Path) -> None:
    agent, port = start(served)
    options = ["--agent", f"127.0.0.1:{port}", "--agent-token-file", str(token_file(served))]
    master = ("--master", "--master-bind-port", "0", *options)
    try:
        with serving(served, *master, few=FEW, any_port=False) as bench:
            status, answer = bench.ask("/load/start", {"modes": ["sendfile"]})
            assert status == 400 and "no worker is ready" in answer["error"]
            assert bench.state()["doing"] == "nothing"
    finally:
        end(agent)
