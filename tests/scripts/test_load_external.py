"""`make load` with servers of the user's own: compared with ours, verdicts and all; and how it ends when one fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.store.proof import Proof
from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.profiles.targets.external_servers import SERVER, alive
from tests.scripts.campaigns import TINY

HOSTILE = "<script>alert(1)</script>"
UNPROFILED = ("--profile", "0")


def load(served: Path, *how: str, modes: str = "external", more: tuple[str, ...], **keys: object) -> tuple[int, str]:
    """Exit code and output of a campaign with an external server that behaves like `how` (external_servers.py)."""
    (served / "server.py").write_text(SERVER)
    table = {
        "command": [sys.executable, str(served / "server.py"), "{root}", "{port}", *how],
        "address": "127.0.0.1:8399",
        "summary": HOSTILE,
        **keys,
    }
    text = "[external]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
    (served / "targets.toml").write_text(text)
    out = ["--root", str(served), "--profiles", str(served / "profiles"), "--reports", str(served / "reports")]
    command = [sys.executable, "-m", "scripts.load", *TINY, *out, "--run", "external", "--modes", *modes.split()]
    command += ["--targets", str(served / "targets.toml"), *more]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one campaign of an external server and a mode; its tests only read it."""
    served = tmp_path_factory.mktemp("compared")
    payload.make(served, SMALL_BYTES, lambda _: None)
    code, output = load(served, "workers", modes="external sendfile", more=("--rounds", "6", *UNPROFILED))
    assert code == 0, output
    return served


@pytest.mark.slow
def test_an_external_server_is_measured_with_all_its_processes(compared: Path) -> None:
    folder = RunFolder(compared / "profiles" / "external")
    run = folder.read_run()
    assert run.baseline == "external" and f"TARGETS={compared}/targets.toml" in run.command
    assert set(run.congestion) == {"external", "sendfile"}
    metrics = next(cell.metrics for cell in folder.read_cells() if cell.mode == "external")
    assert (metrics["threads"] or 0) >= 3  # its first process and two workers
    assert (metrics["server_cpu_s_per_gib"] or 0) > 0


@pytest.mark.slow
def test_its_report_has_verdicts_and_what_was_proved_of_it(compared: Path) -> None:
    proofs = {proof.mode: proof for proof in RunFolder(compared / "profiles" / "external").read(Proof)}
    assert set(proofs) == {"external", "sendfile"}
    page = (compared / "reports" / "external" / "index.html").read_text()
    assert "the server CPU per GiB of external" in page
    if proofs["external"].read_copies is not None:
        assert "CPU copies of every byte: 2.00 measured from outside" in page
    else:  # strace is not installed, or may not trace here
        assert "how it reads (strace " in (proofs["external"].unknown or "")
    assert "No model of the copies is on record for external" in page


@pytest.mark.slow
def test_what_its_summary_says_is_escaped(compared: Path) -> None:
    page = (compared / "reports" / "external" / "index.html").read_text()
    assert HOSTILE not in page and "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("dies", "external is missing on this machine: external did not start: no luck today"),
        pytest.param(
            "chunked", "EncodedError: it sends Transfer-Encoding: chunked: have it send the file as it is",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "dies-later", "external's server ended in the middle of a cell: out of luck; the rounds before are kept",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "short", "external does not serve /test-file.bin: WrongLengthError: 3000016 bytes are announced",
            marks=pytest.mark.slow,
        ),
    ],
)  # fmt: skip
def test_one_that_cannot_be_measured_ends_the_run_in_one_line(served: Path, how: str, says: str) -> None:
    """Those that never get ready are in tests/profiles/targets/test_external_server.py."""
    code, output = load(served, how, more=UNPROFILED)
    assert code == 1
    assert says in output.strip().splitlines()[-1]


@pytest.mark.slow
def test_wrong_bytes_of_the_right_length_make_a_run_void(served: Path) -> None:
    code, output = load(served, "flipped", more=("--rounds", "1", *UNPROFILED))
    assert code == 0, output
    assert "wrong bytes arrived in all 3,000,017 bytes" in output


@pytest.mark.slow
def test_one_that_daemonises_and_ignores_its_signal_leaves_nothing(served: Path) -> None:
    """Nor does what recorded it in the profile pass."""
    code, output = load(served, "daemonises", "ignores-sigterm", more=("--rounds", "1"), stop_within_s=0.2)
    assert code == 0, output
    left = subprocess.run(["pgrep", "-f", str(served / "server.py")], capture_output=True, text=True, check=False)
    assert alive(map(int, left.stdout.split())) == []


def test_a_file_with_a_mistake_is_said_before_anything_runs(served: Path) -> None:
    code, output = load(served, more=(), tls="on")
    assert code == 2
    assert output == f"error: {served}/targets.toml: [external]: tls: give user or kernel\n"
    assert not (served / "profiles").exists()
