"""The course's client prints what the course prints, and then what the server paid."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.targets.catalog import discover
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.servers.probe import skip_if_missing
from units import GIB

CLIENT = [sys.executable, "-m", "scripts.benchmark_client"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*CLIENT, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=50)


@pytest.fixture(scope="module", params=list(discover()))
def serving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    skip_if_missing(request.param)
    served = tmp_path_factory.mktemp("served")
    payload.make(served, SMALL_BYTES, lambda _: None)
    command = [sys.executable, "-m", "servers", request.param, "--port", "0", "--root", str(served)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        yield request.param, process.stdout.readline().split()[2]
        process.terminate()


@pytest.mark.parametrize("sink", ["copy", "discard"])
def test_the_first_line_is_the_courses_and_the_cpu_follows(serving: tuple[str, str], sink: str) -> None:
    mode, port = serving
    done = run(mode, "--port", port, "--iterations", "3", "--sink", sink)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert re.fullmatch(r"Time taken: \d+\.\d+(e-\d+)? seconds", first)
    rate, gib = re.fullmatch(r"([\d.]+) GiB/s \(([\d.]+) GiB\)", second).groups()  # type: ignore[union-attr]
    assert float(gib) == pytest.approx(3 * SMALL_BYTES / GIB, rel=1e-4) and float(rate) > 0
    match = re.fullmatch(r"server CPU: ([\d.]+) s/GiB \(([\d.]+) s\)", third)
    assert match and float(match[1]) > 0


@pytest.fixture
def sendfile_port(tmp_path: Path) -> Iterator[str]:
    payload.make(tmp_path, SMALL_BYTES, lambda _: None)
    command = [sys.executable, "-m", "servers", "sendfile", "--port", "0", "--root", str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().split()[2]
        server.terminate()


@pytest.mark.parametrize("folder", [".", "scripts"])
def test_the_courses_command_runs_with_a_python_that_has_nothing(folder: str, sendfile_port: str) -> None:
    """-S: without any installed package, as the system's Python is; the Python of the set-up takes over."""
    if not (PROJECT / ".venv" / "bin" / "python").exists():
        pytest.skip("there is no .venv here, in which the servers would run")
    command = [sys.executable, "-S", "benchmark_client.py", "sendfile", "--port", sendfile_port]
    done = subprocess.run(command, cwd=PROJECT / folder, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(r"Time taken: \d+\.\d+(e-\d+)? seconds\n", done.stdout)


def test_before_any_set_up_it_says_what_starts_the_servers(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    for name in ("benchmark_client.py", "scripts/benchmark_client.py"):
        shutil.copy(PROJECT / name, tmp_path / name)
    command = [sys.executable, "-S", "benchmark_client.py", "read-send"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "start the servers with `make servers`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["nope"], 2, "the modes are"),
        ([], 2, "required: mode"),
        (["sendfile", "--iterations", "0"], 2, "--iterations 0"),
        (["sendfile", "--sink", "x"], 2, "--sink x: choose one of discard, copy"),
        (["sendfile", "--port", "0"], 2, "ports go from"),
        (["sendfile", "--port", "1"], 1, "make servers"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], code: int, says: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert says in done.stderr
