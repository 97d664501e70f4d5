"""make lab and make lab-check: a data path of one's own is written, tried and raced, and disturbs nothing meanwhile."""

import subprocess
import sys
from pathlib import Path

import pytest

from servers import payload
from tests.conftest import SMALL_BYTES
from tests.copied import copy_project

MODES_KEPT = ("read_send", "sendfile")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with few modes, and lab/mine.py as it is written."""
    tree = tmp_path_factory.mktemp("project")
    copy_project(tree)
    for path in (tree / "servers" / "modes").glob("[a-z]*.py"):
        if path.stem not in MODES_KEPT:
            path.unlink()
    (tree / "data").mkdir()
    payload.make(tree / "data", SMALL_BYTES, lambda _: None)
    assert ran(tree, "lab").stdout == "lab/mine.py is written: fill in send_file, then make lab-check NAME=mine\n"
    return tree


def ran(project: Path, script: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"scripts.{script}", *words]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("mine", 1, "lab/mine.py is there already, and is left as it is: give another NAME, or remove it"),
        ("sendfile", 2, "NAME=sendfile: there is a mode or a server of that name already: give another"),
        ("all", 2, "NAME=all: there is a mode or a server of that name already"),
        ("readsend", 2, "NAME=readsend and read-send differ by a dash only: give another"),
        ("My_Odd_Path", 2, "NAME='My_Odd_Path': give small letters, digits and single dashes, like my-path; did you "
         "mean my-odd-path?"),
        ("../servers", 2, "NAME='../servers': give small letters, digits and single dashes"),
        ("a\nb", 2, "NAME='a\\nb': give small letters"),
        ("", 2, "NAME='': give small letters"),
    ],
)  # fmt: skip
def test_a_name_that_is_taken_or_none_is_refused(project: Path, name: str, code: int, says: str) -> None:
    before = sorted(path.name for path in (project / "lab").iterdir())
    done = ran(project, "lab", f"--name={name}")
    assert (done.returncode, done.stdout) == (code, "") and done.stderr.startswith(f"error: {says}")
    assert sorted(path.name for path in (project / "lab").iterdir()) == before


def test_another_one_has_another_port(project: Path) -> None:
    ran(project, "lab", "--name=my-other")
    text = (project / "lab" / "my_other.py").read_text()
    (project / "lab" / "my_other.py").unlink()
    assert (
        'name="my-other"' in text and "port=8098" in text and "port=8097" in (project / "lab" / "mine.py").read_text()
    )


def test_one_that_is_not_filled_in_fails_with_one_line(project: Path) -> None:
    done = ran(project, "lab_check")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "  FAILED  the right bytes arrive, whole and in ranges"
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: lab/mine.py:")
    assert "NotImplementedError: send_file is to be written; look at offset and count: " in line


@pytest.mark.parametrize("text", ["def broken(:\n", "import nowhere\n", "while True: pass\n", "raise SystemExit(3)\n"])
def test_a_broken_one_disturbs_nobody(project: Path, text: str) -> None:
    path = project / "lab" / "broken.py"
    path.write_text(text)
    try:
        proofs = ran(project, "prove", "--root=data")
        listed = ran(project, "prove", "--root=data", "--modes", "brokem")
    finally:
        path.unlink()
    assert proofs.returncode == 0 and "read-send" in proofs.stdout and "broken" not in proofs.stdout + proofs.stderr
    assert listed.returncode == 2 and "there is no mode 'brokem'; did you mean broken?" in listed.stderr


@pytest.mark.parametrize("script", ["load", "prove"])
def test_a_broken_one_that_is_named_is_said_in_one_line(project: Path, script: str) -> None:
    path = project / "lab" / "broken.py"
    path.write_text("def broken(:\n")
    try:
        done = ran(project, script, "--root=data", "--modes", "broken", "sendfile")
    finally:
        path.unlink()
    assert done.returncode == 1
    assert done.stderr == "error: broken cannot be imported: lab/broken.py:1: SyntaxError: invalid syntax\n"


@pytest.mark.slow
def test_no_mode_of_the_lab_is_one_of_all(project: Path) -> None:
    """It is unfinished, so that a campaign over it could not even begin."""
    quick = ("--rounds=1", "--window=0.2", "--profile=0", "--users=1", "--retries=0", "--root=data")
    done = ran(project, "load", "--modes", "all", *quick, "--run=all")
    assert done.returncode == 0 and "mine" not in done.stdout + done.stderr
    done = ran(project, "load", "--modes", "mine", "sendfile", *quick, "--run=named")
    assert done.returncode == 1
    assert "error: the proof of mine failed: its trial failed: NotImplementedError" in done.stderr
