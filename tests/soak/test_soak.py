"""A short soak holds, says its seed, and fails when a peer gets other bytes than it must."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.soak.traffic import Folder, Round, SoakError, Tally
from tests.soak.watched import Watched


def test_a_short_soak_holds_and_says_its_seed() -> None:
    command = [sys.executable, "-m", "tests.soak", "--minutes", "0.02", "--seed", "5", "--modes", "sendfile"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=55)
    assert done.returncode == 0, done.stderr
    assert "every invariant held for 0.02 minutes (seed 5)" in done.stdout


def test_a_wrong_byte_ends_it_and_names_the_peer(tmp_path: Path) -> None:
    served = tmp_path / "served"
    served.mkdir()
    folder = Folder(served, seed=1)
    (served / "file.bin").write_bytes(folder.content[:-1] + bytes([folder.content[-1] ^ 1]))
    server = Watched("read-send", served, tmp_path)
    try:
        with pytest.raises(SoakError, match=r"^read-send, \w+: AssertionError at `assert "):
            Round(folder, [server], seconds=20.0, seed="1", tally=Tally()).run()
    finally:
        server.close()


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--minutes", "0"], 2, "MINUTES=0: more than 0"),
        (["--modes", "telepathy"], 2, "there is no mode 'telepathy'"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], code: int, says: str) -> None:
    command = [sys.executable, "-m", "tests.soak", *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=55)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert says in done.stderr
