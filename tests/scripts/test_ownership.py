"""What root makes in a user's checkout belongs to that user, and nothing else does."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.ownership import give_to_owner, made_in
from tests.copied import copy_project

USER = 54321  # needs no entry in passwd

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for somebody else")


def owned(path: Path) -> tuple[int, int]:
    facts = path.lstat()
    return facts.st_uid, facts.st_gid


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A user's, with the project in it."""
    path = tmp_path / "checkout"
    path.mkdir()
    copy_project(path)
    for each in (path, *path.rglob("*")):
        os.chown(each, USER, USER)
    return path


@pytest.mark.parametrize("out", ["", "elsewhere"])
def test_what_a_command_of_root_makes_is_the_users(checkout: Path, out: str) -> None:
    command = [sys.executable, "-E", "-m", "scripts.make", "test-file"]
    environment = os.environ | {"SIZE": "1MiB", "OUT": out, "MAKEFLAGS": ""}
    subprocess.run(command, cwd=checkout, env=environment, check=True, timeout=60)
    (made,) = (checkout / out / "data").rglob("test-file.bin")
    assert made.stat().st_size == 1 << 20
    assert (checkout / "scripts" / "__pycache__").is_dir()
    assert [path for path in checkout.rglob("*") if owned(path) != (USER, USER)] == []


def test_nothing_but_what_commands_make_is_given_away(checkout: Path, tmp_path: Path) -> None:
    """Not what a link leads to, what has a second name, or what root keeps beside it."""
    secret, data = tmp_path / "secret", checkout / "data"
    kept, linked, link, made = checkout / "token", data / "linked", data / "link", data / "made"
    data.mkdir()
    for path in (secret, kept, made):
        path.write_text("root's")
    linked.hardlink_to(secret)
    link.symlink_to(kept)
    (checkout / "build").symlink_to(tmp_path)
    give_to_owner(*made_in(checkout), checkout=checkout)
    assert [owned(path) for path in (data, made, link)] == [(USER, USER)] * 3
    assert [owned(path) for path in (secret, kept, linked, tmp_path)] == [(0, 0)] * 4


def test_a_user_that_it_cannot_be_given_to_is_a_warning(checkout: Path) -> None:
    """In a user namespace that does not have that user, where files seem to be nobody's (user_namespaces(7))."""
    mapped = ["unshare", "--user", "--map-root-user"]
    if (tried := subprocess.run([*mapped, "true"], capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no user namespace can be made here: {tried.stderr.strip()}")
    (checkout / "data").mkdir()
    command = [*mapped, sys.executable, "-E", "-m", "scripts.ownership"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False, timeout=60)
    (said,) = done.stderr.splitlines()
    assert done.returncode == 0 and said.startswith(
        f"warning: what root made stays root's, as in {checkout / 'data'}: "
    )


def test_roots_own_checkout_stays_roots(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", USER, USER)
    (tmp_path / "data" / "made").touch()
    give_to_owner(*made_in(tmp_path), checkout=tmp_path)
    assert owned(tmp_path / "data" / "made") == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_end_by_a_signal_gives_it_away_too(checkout: Path, number: signal.Signals) -> None:
    made = "import os; os.mkdir('data'); print('made', flush=True); input()"
    run = f"import sys; from scripts import make; sys.exit(make._run([sys.executable, '-c', {made!r}], {{}}))"
    command = [sys.executable, "-c", run]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=checkout, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == b"made\n"
        os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert owned(checkout / "data") == (USER, USER)
