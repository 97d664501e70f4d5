"""The commands of README.md run: each console block, line by line, at small sizes, in a copy of the project."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.store.run_folder import RunFolder
from reports import page
from reports.run_data import read_run
from servers import discovery
from tests.conftest import PROJECT, eventually
from tests.copied import copy_project
from tests.reports import several_runs

pytestmark = pytest.mark.slow

VENV = Path(sys.prefix)
# What is given beside the README's own words, so that a command takes seconds. A command that is not here is tested
# below, or a new one, whose small size is missing.
SMALL = {
    "make load": "ROUNDS=1 RETRIES=0 WINDOW=0.2 PROFILE=0 SIZE=1MiB",
    "make course": "SIZE=1MiB SECONDS=5",
    "make sweep": "MINUTES=0.05 WINDOW=0.2 POINTS='4KiB 64KiB'",
    "make runs": "",
    "make compare": "",
    "make gate": "RUN=tuesday",
    "make report": "RUN=tuesday",
    "make export": "RUN=tuesday",
    "make reproduce": "",
    "make crosscheck": "WINDOW=0.2 SIZE=1MiB",
}
JUDGED = " MODES='read-send sendfile' ROUNDS=6 RETRIES=1"  # enough for a verdict
AFTER = {
    "make load": "report: reports/out/",
    "make reproduce": "report: reports/out/",
    "make sweep": "report: ",
    "make course": "students' page: ",
}
RUNS_TESTS = "make test"
SERVING = ("make servers", "python3 benchmark_client.py", "locust -f locustfile.py")
TINY = "make load MODES='read-send sendfile' SIZE=1MiB USERS=1 SINK=discard ROUNDS=1 RETRIES=0 WINDOW=0.2 PROFILE=0"


def commands() -> list[str]:
    """All lines of console blocks that begin with a prompt, without comments."""
    blocks = re.findall(r"^```console\n(.*?)^```$", (PROJECT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("$ ")]
    return [re.sub(r"\s+#.*", "", line.removeprefix("$ ")) for line in lines]


def name_of(command: str) -> str:
    return " ".join(command.split()[:2])


def is_serving(command: str) -> bool:
    return command.startswith(SERVING)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with two earlier runs and a report that somebody sent."""
    copy = tmp_path_factory.mktemp("readme") / "bench"
    copy_project(copy)
    for path in (*PROJECT.glob("requirements*"), PROJECT / "Makefile", PROJECT / "README.md"):
        shutil.copy2(path, copy)
    shutil.copytree(PROJECT / "examples", copy / "examples", ignore=shutil.ignore_patterns(".venv"))
    for day, name in enumerate(("monday", "tuesday"), 1):
        begun = f"2026-03-0{day}T12:00:00+00:00"
        several_runs.write(copy / "profiles" / "out", name, seed=day, command=TINY, started_at=begun)
    sent = page.write(read_run(RunFolder(copy / "profiles" / "out" / "tuesday")), copy / "sent")
    shutil.copy(sent, copy / "index.html")
    return copy


def environment() -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return outer | {"PATH": f"{VENV / 'bin'}:{os.environ['PATH']}"}


def words_of(command: str) -> list[str]:
    """As a shell has them, with the small sizes, and with the environment of this test instead of a new one."""
    small = SMALL.get(name_of(command), "") + JUDGED * command.startswith("make load MAX=")
    return shlex.split(f"{command} {small} VENV={VENV}" if command.startswith("make ") else command)


@pytest.mark.parametrize("command", [line for line in commands() if line != RUNS_TESTS and not is_serving(line)])
def test_a_command_of_the_readme_runs(command: str, checkout: Path) -> None:
    assert name_of(command) in SMALL, "say how it becomes small"
    if "nginx" in command and not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    done = subprocess.run(
        words_of(command), cwd=checkout, env=environment(), capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert AFTER.get(name_of(command), "") in done.stdout
    assert not re.search(r"Traceback|^error", done.stderr, re.MULTILINE)


def answers(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def free_ports() -> None:
    taken = [port for port in (8089, *(mode.port for mode in discovery.discover().values())) if answers(port)]
    if taken:
        pytest.skip(f"port {taken[0]} is in use on this machine")


@pytest.fixture
def started(request: pytest.FixtureRequest, checkout: Path, free_ports: None) -> Iterator[None]:
    """A command in a terminal of its own, until Ctrl-C."""
    command, port = request.param
    with (checkout / "terminal.log").open("wb") as log:
        terminal = subprocess.Popen(
            words_of(command), cwd=checkout, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
        try:
            eventually(lambda: answers(port) or terminal.poll() is not None, 60)
            assert terminal.poll() is None, (checkout / "terminal.log").read_text()
            yield
        finally:
            os.killpg(terminal.pid, signal.SIGINT)
            terminal.wait(30)
    assert not answers(port), "it left something behind"


@pytest.mark.parametrize("started", [("make servers SIZE=1MiB", 8081)], indirect=True)
def test_the_courses_two_terminals(started: None, checkout: Path) -> None:
    (command,) = (line for line in commands() if line.startswith("python3 benchmark_client.py"))
    done = subprocess.run(
        shlex.split(command), cwd=checkout, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"Time taken: [\d.e-]+ seconds\n", done.stdout)


@pytest.mark.parametrize("started", [("locust -f locustfile.py", 8089)], indirect=True)
def test_the_web_ui(started: None) -> None:
    assert "locust -f locustfile.py" in commands() and "make servers" in commands()
