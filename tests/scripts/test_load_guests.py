"""`make load` with servers of the user's own: compared with ours, verdicts and all; and how it ends when one fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT
from tests.profiles.targets.external_servers import SERVER, alive
from tests.scripts.test_load import TINY

HOSTILE = "<script>alert(1)</script>"


def load(served: Path, *how: str, modes: str = "guest sendfile", rounds: int = 2, **more: object) -> tuple[int, str]:
    """Exit code, and what was said, of a campaign with a guest that behaves like this (tests/profiles/targets/external_servers.py)."""
    (served / "server.py").write_text(SERVER)
    table = {
        "command": [sys.executable, str(served / "server.py"), "{root}", "{port}", *how],
        "address": "127.0.0.1:8399",
        "summary": HOSTILE,
        **more,
    }
    text = "[guest]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
    (served / "targets.toml").write_text(text)
    out = ["--root", str(served), "--profiles", str(served / "profiles"), "--reports", str(served / "reports")]
    command = [sys.executable, "-m", "scripts.load", *TINY, *out, "--run", "guests", "--modes", *modes.split()]
    command += ["--targets", str(served / "targets.toml"), "--rounds", str(rounds)]
    command += [] if rounds > 2 else ["--profile", "0"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=55)
    return done.returncode, done.stdout + done.stderr


def test_a_guest_is_compared_with_our_modes(served: Path) -> None:
    code, said = load(served, "workers", rounds=6)
    assert code == 0, said
    folder = RunFolder(served / "profiles" / "guests")
    run = folder.read_run()
    assert run.baseline == "guest" and f"TARGETS={served}/targets.toml" in run.command
    assert set(run.congestion) == {"guest", "sendfile"}
    cells = {cell.mode: cell for cell in folder.read_cells()}
    assert (cells["guest"].metrics["threads"] or 0) >= 3  # its first process and two workers
    assert (cells["guest"].metrics["server_cpu_s_per_gib"] or 0) > 0
    proofs = {proof.mode: proof for proof in folder.read_proofs()}
    assert set(proofs) == {"guest", "sendfile"}
    page = (served / "reports" / "guests" / "index.html").read_text()
    assert "the server CPU per GiB of guest" in page
    if proofs["guest"].read_copies is not None:
        assert "CPU copies of every byte: 2.00 measured from outside" in page
    else:  # strace is not installed, or may not trace here
        assert "how it reads (strace " in (proofs["guest"].unknown or "")
    assert HOSTILE not in page and "&lt;script&gt;alert(1)" in page
    assert "No model of the copies is on record for guest" in page


@pytest.mark.parametrize(
    ("how", "says"),
    [
        (("dies",), "guest is missing on this machine: guest did not start: no luck today"),
        (("never",), "nothing listens there after 1 s"),
        (("404",), "it answers 404; correct path, or the folder that it serves"),
        (("chunked",), "EncodedError: it sends Transfer-Encoding: chunked: have it send the file as it is"),
        (("dies-later",), "guest's server ended in the middle of a cell: out of luck; the rounds before are kept"),
        (("short",), "guest does not serve /test-file.bin: WrongLengthError: 3000016 bytes are announced"),
    ],
)
def test_a_guest_that_cannot_be_measured_ends_the_run_in_one_line(
    served: Path, how: tuple[str, ...], says: str
) -> None:
    code, said = load(served, *how, ready_within_s=1 if how == ("never",) else 30)
    assert code == 1
    assert says in said.strip().splitlines()[-1]


def test_wrong_bytes_of_the_right_length_void_a_guest(served: Path) -> None:
    code, said = load(served, "flipped", rounds=1)
    assert code == 0
    assert "wrong bytes arrived in all 3,000,017 bytes" in said


def test_a_guest_that_ignores_its_signal_and_daemonises_leaves_nothing(served: Path) -> None:
    code, said = load(served, "daemonises", "ignores-sigterm", modes="guest", rounds=1, stop_within_s=0.2)
    assert code == 0, said
    left = subprocess.run(["pgrep", "-f", str(served / "server.py")], capture_output=True, text=True, check=False)
    assert alive(map(int, left.stdout.split())) == []


def test_a_file_with_a_mistake_is_said_before_anything_runs(served: Path) -> None:
    code, said = load(served, tls="on")
    assert code == 2
    assert said.startswith(f"error: {served}/targets.toml:5: tls: give user or kernel") and said.count("\n") == 1
    assert not (served / "profiles").exists()
