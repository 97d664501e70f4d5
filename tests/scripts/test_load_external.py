"""`make load` with servers of the user's own: compared with ours, verdicts and all; and how it ends when one fails."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from profiles.store.proof import Proof
from profiles.store.records import Void
from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.profiles.targets.external_servers import SERVER, alive
from tests.scripts.campaigns import TINY

HOSTILE = "<script>alert(1)</script>"
UNPROFILED = ("--profile", "0")
IMPATIENT = """if True:
    from load.campaign import round_runner
    round_runner.SLICE_TIMEOUT_S = round_runner.MOST_SLOWER = 1
    from errors import run_command
    from scripts.load import main
    run_command(main)"""


def load(
    served: Path, *how: str, modes: str = "external", more: tuple[str, ...], impatient: bool = False, **keys: object
) -> tuple[int, str]:
    """Exit code and output of a campaign with an external server that behaves like `how` (external_servers.py).
    impatient: its slices time out after seconds, and not after half a minute."""
    (served / "server.py").write_text(SERVER)
    table = {
        "command": [sys.executable, str(served / "server.py"), "{root}", "{port}", *how],
        "address": "127.0.0.1:8399",
        "summary": HOSTILE,
        **keys,
    }
    text = "[external]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
    (served / "targets.toml").write_text(text)
    out = [
        "--root",
        str(served),
        "--runs-folder",
        str(served / "profiles"),
        "--reports-folder",
        str(served / "reports"),
    ]
    script = ["-c", IMPATIENT] if impatient else ["-m", "scripts.load"]
    command = [sys.executable, *script, *TINY, *out, "--run", "external", "--modes", *modes.split()]
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
            "compresses", "it sends Content-Encoding: gzip: have it send the file as it is", marks=pytest.mark.slow,
        ),
        pytest.param(
            "dies-later", "nothing could be measured: external: its server ended in the middle of a slice: out of luck",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "short", "external does not serve /test-file.bin: wrong length: 3000016 bytes are announced",
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
def test_one_that_dies_in_every_round_leaves_the_others_their_results(served: Path) -> None:
    code, output = load(served, "dies-later", modes="read-send sendfile external", more=UNPROFILED)
    assert code == 1
    reason = "its server ended in the middle of a slice: out of luck"
    assert f"external has no result: {reason}" in output
    folder = RunFolder(served / "profiles" / "external")
    run = folder.read_run()
    assert run.state == "done"
    assert run.voids == (Void(1, "external", reason), Void(2, "external", reason))
    assert {(cell.round, cell.mode) for cell in folder.read_cells()} == {
        (number, mode) for number in (1, 2) for mode in ("read-send", "sendfile")
    }


@pytest.mark.slow
def test_users_that_never_finish_end_their_slice_by_time_out(served: Path) -> None:
    more = (*UNPROFILED, "--rounds", "1")
    code, output = load(served, "drips-later", modes="sendfile external", more=more, impatient=True)
    assert code == 1
    assert "failures in round 1, external: 1 × its users were not back from a slice in time" in output
    folder = RunFolder(served / "profiles" / "external")
    cells = {cell.mode: cell for cell in folder.read_cells()}
    assert cells["external"].failure_names == {"its users were not back from a slice in time": 1}
    assert cells["sendfile"].failures == 0 and cells["sendfile"].slices == 2 * folder.read_run().sweeps


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
