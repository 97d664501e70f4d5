"""What the containers need before they start, without containers."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT


def prepare(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.prepare", "--token-file", str(folder / "token")]
    command += ["--root", str(folder / "data"), "--written", str(folder), "--size", "1MiB", *more]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=55)


def test_token_and_file_are_made_once_and_the_token_for_its_owner_alone(tmp_path: Path) -> None:
    first = prepare(tmp_path)
    assert (first.returncode, first.stderr) == (0, "")
    assert "1 MiB" in first.stdout
    made = {path: path.stat() for path in (tmp_path / "token", tmp_path / "data" / "1MiB" / "test-file.bin")}
    assert stat.S_IMODE(made[tmp_path / "token"].st_mode) == 0o600
    again = prepare(tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert {path: path.stat().st_ino for path in made} == {path: facts.st_ino for path, facts in made.items()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "token"]


def test_tokens_differ(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        assert prepare(tmp_path / name).returncode == 0
    assert (tmp_path / "a" / "token").read_text() != (tmp_path / "b" / "token").read_text()


def test_an_empty_token_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "token").touch()
    assert prepare(tmp_path).returncode == 0
    assert len((tmp_path / "token").read_text()) > 30


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--written", "/proc/nowhere"], 1, "cannot write into /proc/nowhere"),
        (["--written", "/proc"], 1, "which belongs to user 0: "),
        (["--token-file", "/proc/token"], 1, "cannot write /proc/token"),
        (["--root", "/proc/data"], 1, "cannot make /proc/data/1MiB/test-file.bin"),
        (["--size", "much"], 2, "is not a size"),
    ],
)
def test_what_is_in_the_way_is_one_line(tmp_path: Path, more: list[str], code: int, says: str) -> None:
    refused = prepare(tmp_path, *more)
    assert (refused.returncode, refused.stderr.count("\n")) == (code, 1), refused.stderr
    assert says in refused.stderr
