"""The agent as a process: what it answers, what it refuses, and that nothing outlives it."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest

from profiles.protocol import TOKEN_VARIABLE
from tests.conftest import PROJECT, eventually
from tests.download import digest_of
from tests.profiles.targets.external_servers import alive

TOKEN = "secret"


class Agent:
    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "profiles.agent", "--root", str(root)],
            cwd=PROJECT,
            env={**os.environ, TOKEN_VARIABLE: TOKEN},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout
        self.port = int(self.process.stdout.readline().split()[2])

    def ask(self, method: str, path: str, message: object = None, token: str = TOKEN) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        content = None if message is None else json.dumps(message)
        connection.request(method, path, content, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def start(self, target: str, **more: object) -> Any:
        status, answer = self.ask("POST", "/start", {"target": target, "any_port": True, **more})
        assert status == 200, answer
        return answer


@pytest.fixture
def agent(served: Path) -> Iterator[Agent]:
    made = Agent(served)
    yield made
    made.process.kill()
    made.process.wait()
    for pipe in (made.process.stdin, made.process.stdout):
        assert pipe
        pipe.close()


def gone(pid: int) -> bool:
    return alive([pid]) == []


def test_a_target_is_started_sampled_and_stopped(agent: Agent, served: Path) -> None:
    status = agent.start("sendfile")
    assert status["state"] == "running"
    assert digest_of(status["port"]) == (served / "test-file.bin.sha256").read_text().split()[0]
    _, snapshot = agent.ask("GET", "/snapshot")
    assert {"sendfile", "machine", "sampler"} <= set(snapshot["processes"])
    assert snapshot["processes"]["sendfile"]["cpu_s"] > 0
    _, stopped = agent.ask("POST", "/stop", {"target": "sendfile"})
    assert stopped["state"] == "stopped"
    assert gone(status["pid"])


def test_variants_run_beside_their_target_under_names_of_their_own(agent: Agent) -> None:
    name = "read-send@buffer-offset=16+chunk=64KiB"
    plain, variant = agent.start("read-send"), agent.start("read-send", name=name, options={"chunk": 1 << 16})
    assert (plain["name"], variant["name"]) == ("read-send", name) and plain["port"] != variant["port"]
    _, snapshot = agent.ask("GET", "/snapshot")
    assert {"read-send", name} <= set(snapshot["processes"])
    _, statuses = agent.ask("GET", "/targets")
    assert {status["name"]: status["pid"] for status in statuses if status["pid"]} == {
        "read-send": plain["pid"],
        name: variant["pid"],
    }
    assert digest_of(plain["port"]) == digest_of(variant["port"])
    assert "--chunk" in psutil.Process(variant["pid"]).cmdline()
    _, refused = agent.ask("GET", f"/recording?target={quote(name)}")
    assert refused["message"] == f"no flame graph of {name!r} is being recorded"
    agent.ask("POST", "/stop", {"target": name})
    assert gone(variant["pid"]) and not gone(plain["pid"])


def test_samples_come_at_a_cadence_and_each_once(agent: Agent) -> None:
    agent.start("sendfile")
    agent.ask("POST", "/watch", {"name": "load", "pid": os.getpid()})
    seen: list[Any] = []
    last = 0

    def enough() -> bool:
        nonlocal last
        _, fresh = agent.ask("GET", f"/samples?after={last}")
        last = fresh["last"]
        seen.extend(fresh["samples"])
        return {"sendfile", "load", "machine", "sampler"} <= {sample["process"] for sample in seen} and len(seen) > 12

    eventually(enough)
    assert len(seen) == last
    moments = sorted({sample["monotonic_s"] for sample in seen})
    assert len(moments) >= 3


def test_facts_name_targets_metrics_and_the_file(agent: Agent, served: Path) -> None:
    _, facts = agent.ask("GET", "/facts")
    assert {target["name"] for target in facts["targets"]} >= {"read-send", "sendfile", "read-whole"}
    assert facts["file"]["size_bytes"] == (served / "test-file.bin").stat().st_size
    assert facts["host"]["kernel"].startswith("Linux")
    assert facts["software"]["psutil"] == psutil.__version__


@pytest.mark.parametrize("token", ["", "Secret", "secret ", "sécret"])
def test_without_the_token_nothing_is_answered(agent: Agent, token: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
    connection.request("GET", "/facts", headers={"Authorization": f"Bearer {token}".encode()})
    assert connection.getresponse().status == 403
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "message", "status", "says"),
    [
        ("GET", "/nothing", None, 404, "does not answer"),
        ("POST", "/start", {"target": "nope"}, 400, "the targets are"),
        ("POST", "/start", {"target": 5}, 400, "Expected `str`"),
        ("POST", "/start", {"target": "splice", "options": {"chunk": 5}}, 400, "no option 'chunk'"),
        ("POST", "/start", {"target": "sendfile", "name": "read-send"}, 400, "is not called 'read-send'"),
        ("POST", "/start", {"target": "sendfile", "name": "../x"}, 400, "is not called '../x'"),
        ("POST", "/prove", {"target": "splice", "options": {"chunk": 5}}, 400, "no option 'chunk'"),
        ("POST", "/stop", {"target": "nope"}, 400, "no target"),
        ("POST", "/stop", {"target": "nope@again"}, 400, "no target"),
        ("POST", "/watch", {"name": "load", "pid": 1 << 22}, 400, "no process"),
        ("POST", "/watch", {"name": "load", "pid": 1 << 70}, 400, "Expected `int`"),
        ("POST", "/watch", {"name": "machine", "pid": 1}, 400, "not watched as 'machine'"),
        ("POST", "/watch", {"name": "load-worker-1\x1b", "pid": 1}, 400, "not watched as"),
        ("POST", "/start", {"target": "sendfile", "cpus": [1 << 40]}, 400, "Expected `int`"),
        ("POST", "/start", {"target": "sendfile", "cpus": [65535]}, 400, "CPU"),
        ("POST", "/record", {"target": "sendfile", "seconds": 1}, 400, "is stopped"),
        ("GET", "/recording?target=sendfile", None, 400, "no flame graph"),
        ("GET", "/samples?after=x", None, 400, "not understood"),
        ("POST", "/clock", {"cpus": [], "seconds": 60}, 400, "up to 10 s"),
        ("POST", "/clock", {"cpus": ["0"], "seconds": 1}, 400, "Expected `int`"),
        ("POST", "/start", "x" * 70_000, 400, "at most"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(
    agent: Agent, method: str, path: str, message: object, status: int, says: str
) -> None:
    got, answer = agent.ask(method, path, message)
    assert (got, says in answer["message"]) == (status, True), answer
    assert "\n" not in answer["message"]


def test_a_busy_port_is_said(agent: Agent) -> None:
    with socket.socket() as busy:
        busy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):  # somebody else has it: just as busy
            busy.bind(("127.0.0.1", 8082))
            busy.listen()
        status, answer = agent.ask("POST", "/start", {"target": "sendfile"})
    assert status == 400
    assert "port 8082" in answer["message"] and "in use" in answer["message"]


def test_a_target_runs_once(agent: Agent) -> None:
    agent.start("sendfile")
    status, answer = agent.ask("POST", "/start", {"target": "sendfile", "any_port": True})
    assert (status, "runs already" in answer["message"]) == (400, True)


def test_a_server_that_died_is_said_to_be_dead_and_can_be_started_again(agent: Agent) -> None:
    pid = agent.start("sendfile")["pid"]
    os.kill(pid, signal.SIGKILL)

    def state() -> str:
        _, statuses = agent.ask("GET", "/targets")
        return str(next(status["state"] for status in statuses if status["name"] == "sendfile"))

    eventually(lambda: state() == "dead")
    _, snapshot = agent.ask("GET", "/snapshot")
    assert "sendfile" not in snapshot["processes"]
    assert agent.start("sendfile")["pid"] != pid


@pytest.mark.parametrize("end", ["kill", "terminate", "close stdin"])
def test_servers_end_with_the_agent_however_it_ends(agent: Agent, end: str) -> None:
    pids = [agent.start(name)["pid"] for name in ("sendfile", "read-send")]
    assert agent.process.stdin
    {"kill": agent.process.kill, "terminate": agent.process.terminate, "close stdin": agent.process.stdin.close}[end]()
    agent.process.wait(20)
    eventually(lambda: all(gone(pid) for pid in pids))


def test_the_agent_does_not_start_without_a_token_or_a_good_root(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE}
    done = subprocess.run(
        [sys.executable, "-m", "profiles.agent"],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: the agent needs a token") and done.stderr.count("\n") == 1
