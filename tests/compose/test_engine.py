"""docker-compose.yml on a real engine: built, started, looked at, used, broken and ended, as a user does.

`make test-all` runs it: an image is built, and whole campaigns run in containers. It needs root, and what
tests/compose/engine.py needs for an engine; where that cannot be had it is skipped with the reason. The tests follow
one another in one project, as in a user's afternoon; each says itself what must be up before it.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from profiles.store.records import Profile
from profiles.store.run_folder import RunFolder
from tests.compose import base_image, checkout, engine
from tests.compose.checkout import OWNER, Checkout
from tests.compose.program import WHY_NOT, docker_compose
from tests.conftest import eventually

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

WAIT_S = 120.0
TINY = ["--rounds", "1", "--window", "0.3", "--warm-up", "0.1", "--profile", "1", "--users", "2", "--retries", "0"]
ENDLESS = ["--rounds", "500", "--window", "0.3", "--profile", "0", "--precision", "0", "--retries", "0"]
ONE_MODE = ["--modes", "sendfile"]
FETCH = """
import sys, urllib.request
address, form, *headers = sys.argv[1:]
request = urllib.request.Request(address, form.encode() or None, dict(header.split("=") for header in headers))
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""
ADDRESSES = """
import socket
print(*(socket.gethostbyname(f"agent.{network}") for network in ("control", "downloads")))
"""
REACH = """
import socket, sys
socket.create_connection((sys.argv[1], 8070), timeout=3)
"""
INSIDE = """
import os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(os.getuid(), int(status["CapBnd"], 16), int(status["CapEff"], 16), status["NoNewPrivs"].strip())
for place in "/bench/new", "/usr/new", "/tmp/new":
    try:
        open(place, "w").close()
        print("written", place)
    except OSError as error:
        print(error.strerror, place)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout with its image built, on an engine of its own."""
    program = docker_compose()
    if program is None:
        pytest.skip(WHY_NOT)
    with contextlib.ExitStack() as stack:
        try:
            private = stack.enter_context(engine.running())
            base_image.load_into(private)
        except UserError as error:
            pytest.skip(f"no engine: {error}")
        path = tmp_path_factory.mktemp("checkout")
        checkout.make(path)
        project = Checkout(path, private, program)
        project.done("build", "prepare")
        yield project


@pytest.fixture(scope="module")
def up(project: Checkout) -> Checkout:
    """Everything that `docker compose up --scale worker=2` starts, healthy."""
    project.done("up", "--detach", "--wait", "--scale", "worker=2")
    return project


@pytest.fixture
def idle(project: Checkout) -> Checkout:
    """An agent that works for nobody."""
    project.done("stop", "worker", "master")
    return project


def test_the_ui_answers_and_has_its_workers(up: Checkout) -> None:
    eventually(lambda: states(up) == ["ready", "ready"], WAIT_S)
    assert "<title>Locust" in page(up, "/")


def test_the_ui_answers_to_no_name_but_this_machine_s(up: Checkout) -> None:
    """As on loopback without containers: a page elsewhere whose name leads here (DNS rebinding) is refused."""
    assert "<title>Locust" in page(up, "/", Host="localhost")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        page(up, "/", Host="evil.example")
    assert "403" in refused.value.stderr


def test_two_workers_download_from_the_servers_beside_the_agent(up: Checkout) -> None:
    answer = json.loads(page(up, "/swarm", "user_count=2&spawn_rate=2&user_classes=SendfileUser"))
    assert answer["success"], answer
    eventually(lambda: stats(up)["total_rps"] > 0 and states(up) == ["running", "running"], WAIT_S)
    assert stats(up)["errors"] == []
    assert json.loads(page(up, "/stop", "now=1"))["success"]


def test_a_worker_cannot_reach_the_agent(up: Checkout) -> None:
    addresses = up.done("exec", "-T", "agent", "python", "-c", ADDRESSES).split()
    assert len(set(addresses)) == 2
    for address in (*addresses, "agent", "agent.control", "agent.downloads"):
        command = ["exec", "-T", "worker", "python", "-c", REACH, address]
        assert up.run(*command).returncode != 0, address
    assert up.run("exec", "-T", "master", "python", "-c", REACH, "agent.control").returncode == 0


@pytest.mark.parametrize("service", ["agent", "master", "worker"])
def test_whoever_is_inside_can_do_little(up: Checkout, service: str) -> None:
    said = up.done("exec", "-T", service, "python", "-c", INSIDE).splitlines()
    assert said == [
        f"{OWNER} 0 0 1",
        "Read-only file system /bench/new",
        "Read-only file system /usr/new",
        "written /tmp/new",
    ]


def test_the_token_is_made_once_and_for_its_owner_alone(up: Checkout) -> None:
    look = ["exec", "-T", "agent", "sh", "-c", "stat -c '%a %u' token/agent; cat token/agent"]
    mode, token = up.done(*look).splitlines()
    assert mode == f"600 {OWNER}" and len(token) > 30
    up.done("run", "--rm", "prepare")
    assert up.done(*look).splitlines() == [mode, token]
    assert token not in up.done("config") and token not in up.done("logs")


def test_what_no_container_needs_is_not_in_the_image(up: Checkout) -> None:
    names = set(up.done("exec", "-T", "agent", "ls", "-A").split())
    assert {"servers", "profiles", "locustfile.py"} <= names
    assert not {".git", "tests", "docs", "docker-compose.yml", "Dockerfile"} & names


def test_a_second_load_is_told_who_holds_the_agent(up: Checkout) -> None:
    refused = up.run("run", "--rm", "load", *TINY)
    assert refused.returncode == 1
    said = refused.stderr.strip().splitlines()[-1]
    assert said.startswith("error: the agent ") and "the load on master: wait until that is done" in said


def test_a_campaign_exits_with_its_code_and_leaves_its_report_to_the_user(idle: Checkout) -> None:
    said = idle.done("run", "--rm", "load", *TINY, "--modes", "read-send", "sendfile", "--run", "tiny")
    assert "report: reports/out/tiny/index.html" in said
    folder = idle.path / "profiles" / "out" / "tiny"
    report = idle.path / "reports" / "out" / "tiny" / "index.html"
    assert {path.stat().st_uid for path in (report, report.parent, folder, *folder.iterdir())} == {OWNER}
    run = RunFolder(folder).read_run()
    assert run.state == "done"
    assert str(run.host["interface"]).startswith("veth eth")
    assert str(run.host["virtualisation"]).startswith("container")
    assert (run.host["cgroup_cpu_max"], run.host["cgroup_memory_max"]) == ("150000 100000", "1 GiB")
    assert all(fact in report.read_text() for fact in ("veth eth", "container", "1 GiB"))


def test_flame_graphs_need_no_capability(project: Checkout) -> None:
    """The campaign above made them: the servers and py-spy are the same user's."""
    profiles = RunFolder(project.path / "profiles" / "out" / "tiny").read(Profile)
    assert [(profile.cell.mode, profile.reason) for profile in profiles] == [("read-send", None), ("sendfile", None)]
    assert all((project.path / "profiles" / "out" / "tiny" / str(profile.svg)).is_file() for profile in profiles)


def test_wrong_usage_is_exit_code_2(idle: Checkout) -> None:
    refused = idle.run("run", "--rm", "load", "--rounds", "0")
    assert refused.returncode == 2 and "ROUNDS=0" in only_line(refused.stderr)


def test_an_agent_that_is_killed_ends_the_campaign_with_one_clear_line(idle: Checkout) -> None:
    campaign = idle.start("run", "--rm", "load", *ENDLESS, *ONE_MODE, "--run", "killed")
    folder = RunFolder(idle.path / "profiles" / "out" / "killed")
    eventually(lambda: campaign.poll() is not None or len(folder.read_cells()) > 1, WAIT_S)
    idle.done("kill", "agent")
    said = campaign.communicate(timeout=WAIT_S)[1]
    assert campaign.returncode == 1, said
    assert said.strip().splitlines()[-1].startswith("error: ")
    assert folder.read_run().state == "failed" and len(folder.read_cells()) > 1


def test_without_its_token_volume_everything_starts_anew(project: Checkout) -> None:
    project.done("down", "--volumes")
    project.done("up", "--detach", "--wait", "agent")
    assert project.done("exec", "-T", "agent", "stat", "-c", "%a", "token/agent").strip() == "600"


@pytest.mark.parametrize("folder", checkout.OUTPUT)
def test_folders_that_cannot_be_written_are_said_before_anything_is_measured(project: Checkout, folder: str) -> None:
    (project.path / folder).chmod(0o555)
    try:
        refused = project.run("up", "--detach", "--wait", "agent")
        said = project.done("logs", "--no-log-prefix", "prepare")
    finally:
        (project.path / folder).chmod(0o755)
    assert refused.returncode != 0
    assert f"user {OWNER} cannot write into {folder}" in said and "BENCH_USER=" in said


def test_down_leaves_nothing(project: Checkout) -> None:
    project.done("up", "--detach", "--wait")
    project.done("down", "--volumes")
    private = project.engine
    assert json.loads(private.ask("GET", "/containers/json?all=1")) == []
    assert json.loads(private.ask("GET", "/volumes"))["Volumes"] in (None, [])
    networks = {network["Name"] for network in json.loads(private.ask("GET", "/networks"))}
    assert networks == {"bridge", "host", "none"}
    assert {path.stat().st_uid for path in Path(project.path).rglob("*")} == {OWNER}


def page(project: Checkout, path: str, form: str = "", **headers: str) -> str:
    """What the UI answers where its port is published, which is in the engine's namespace."""
    given = [f"{name}={value}" for name, value in headers.items()]
    command = project.engine.inside(sys.executable, "-c", FETCH, f"http://127.0.0.1:8089{path}", form, *given)
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def stats(project: Checkout) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page(project, "/stats/requests"))
    return found


def states(project: Checkout) -> list[str]:
    return [worker["state"] for worker in stats(project)["workers"]]


def only_line(stderr: str) -> str:
    (line,) = stderr.strip().splitlines()
    return line
