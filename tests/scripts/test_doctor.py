"""`make doctor` and `make prove` print a line for every mode."""

import subprocess
import sys
from pathlib import Path

import pytest

from servers import discovery
from tests.conftest import PROJECT


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=55)


@pytest.mark.slow  # it proves every mode
def test_the_doctor_knows_every_mode_and_feature(tmp_path: Path) -> None:
    done = run("scripts.doctor", "--root", str(tmp_path))
    assert done.returncode == 0, done.stderr
    for name in (*discovery.names(), "py-spy", "perf", "pinning"):
        assert f" {name} " in done.stdout


def test_the_proof_shows_measured_beside_model(tmp_path: Path) -> None:
    done = run("scripts.prove", "--modes", "sendfile", "--root", str(tmp_path))
    (line,) = [line for line in done.stdout.splitlines() if " sendfile " in line]
    assert [cell.strip() for cell in line.split("│")[1:5]] == ["sendfile", "available", "0.00", "0"]


def test_a_mode_that_is_asked_for_by_name_and_missing_is_an_error() -> None:
    place = Path("/dev/shm")
    if not place.is_dir():
        pytest.skip("there is no tmpfs at /dev/shm, which knows no RWF_DONTCACHE")
    done = run("scripts.prove", "--modes", "sendfile", "read-dontcache", "--root", str(place))
    assert done.returncode == 1
    assert " sendfile " in done.stdout
    assert done.stderr.startswith("error: read-dontcache is missing on this machine: ")
    assert "serve from another file system" in done.stderr


def test_an_unknown_mode_is_one_line_and_2(tmp_path: Path) -> None:
    done = run("scripts.prove", "--modes", "nope", "--root", str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
