"""One campaign per machine: whoever comes second is told who is first, wherever on the machine that is."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from errors import UserError
from machine_lock import VARIABLE, campaign_lock, refuse_beside_campaign
from tests.conftest import PROJECT

HOLD = """if True:
    import os, sys
    from machine_lock import campaign_lock
    with campaign_lock(sys.argv[1]):
        print("held", flush=True)
        sys.stdin.read()"""
TRY = """if True:
    import os, sys
    from errors import UserError
    from machine_lock import campaign_lock
    os.setuid(int(sys.argv[1]))
    try:
        with campaign_lock("second"):
            print("nobody else")
    except UserError as error:
        print(error)"""


@pytest.fixture(autouse=True)
def own_lock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with tempfile.NamedTemporaryFile() as lock:  # where any user can reach it
        Path(lock.name).chmod(0o644)
        monkeypatch.setenv(VARIABLE, lock.name)
        yield


@contextlib.contextmanager
def held(*before: str, run: str = "first") -> Iterator[subprocess.Popen[str]]:
    """Another process that runs a campaign. before: what its command line begins with."""
    command = [*before, sys.executable, "-c", HOLD, run]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout
            if process.stdout.readline() != "held\n":
                pytest.skip(f"this user may not run `{' '.join(before)}`")
            yield process
        finally:
            process.kill()


def tried(*before: str, uid: int = 0) -> str:
    """What a second one is told in a process of its own."""
    command = [*before, sys.executable, "-c", TRY, str(uid or os.getuid())]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


def test_the_second_is_told_the_run_the_process_and_the_age_of_the_first() -> None:
    with held() as process, pytest.raises(UserError) as refused, campaign_lock("second"):
        pass
    said = str(refused.value)
    assert said.startswith(f"campaign first (process {process.pid}, for ")
    assert "WAIT=1" in said and "\n" not in said


def test_what_would_disturb_a_campaign_is_refused_beside_it() -> None:
    refuse_beside_campaign("load")
    with held(), pytest.raises(UserError, match=r"campaign first .* is running on this machine"):
        refuse_beside_campaign("load")


def test_the_lock_ends_with_its_process_however_that_ends() -> None:
    with held() as process:
        process.kill()
        process.wait()
        with campaign_lock("second"):
            pass


def test_one_that_ends_while_it_is_looked_for_is_not_taken_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    with held() as process:

        def look_too_late(_inode: int) -> str:
            process.kill()
            process.wait()
            return "a campaign of another container"

        monkeypatch.setattr("machine_lock._holder", look_too_late)
        with campaign_lock("second"):
            pass


def test_one_after_the_other_is_allowed_after_an_error_too() -> None:
    with contextlib.suppress(ZeroDivisionError), campaign_lock("first"):
        raise ZeroDivisionError
    with campaign_lock("second"):
        pass


def test_whoever_waits_says_for_whom_and_begins_at_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with held() as process:

        def first_ends(_: float) -> None:
            process.kill()
            process.wait()

        monkeypatch.setattr(time, "sleep", first_ends)
        with campaign_lock("second", wait=True):
            assert process.poll() is not None
    said = capsys.readouterr().err
    assert said.startswith(f"waiting for the end of campaign first (process {process.pid}, for ")
    assert said.count("\n") == 1


def test_of_another_users_campaign_only_the_user_the_process_and_the_age_are_seen() -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    with held() as process:
        assert f"a campaign of user 0 (process {process.pid}, for " in tried(uid=12345)


MACHINE = ["unshare", "--time", "--fork"]  # to the lock, who has a clock of its own is on another machine


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ([], "campaign first (process "),
        (["unshare", "--net"], "campaign first (process "),
        (["unshare", "--user", "--map-root-user"], "campaign of user 0 (process "),
        (["unshare", "--net", "--ipc", "--uts", "--cgroup", "--pid", "--fork", "--mount-proc"], "another container"),
    ],
)
def test_namespaces_and_containers_share_the_lock(monkeypatch: pytest.MonkeyPatch, place: list[str], says: str) -> None:
    """The lock is the machine's own, in a machine that a time namespace makes for this test."""
    monkeypatch.delenv(VARIABLE)
    with held(*MACHINE) as process:
        (first,) = psutil.Process(process.pid).children()
        assert says in tried("nsenter", f"--time=/proc/{first.pid}/ns/time", *place)
