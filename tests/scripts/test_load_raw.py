"""`make load PROTOCOL=raw`: a server like the course's, of one process and two ports, is compared like any other."""

import shlex
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from profiles.store.proof import Proof
from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.course.ports import two_ports
from tests.scripts.campaigns import TINY

SERVER = PROJECT / "tests" / "course" / "server.py"
OWN_BYTES = 3_000_017


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of one campaign of both modes beside our sendfile, and what it printed; tests only read it."""
    served = tmp_path_factory.mktemp("raw")
    payload.make(served, SMALL_BYTES, lambda _: None)
    (served / "large-file.txt").write_bytes(bytes(OWN_BYTES))
    (served / "server.py").write_text(SERVER.read_text())
    ports = " ".join(map(str, two_ports()))
    line = shlex.join([sys.executable, str(served / "server.py"), *ports.split(), "large-file.txt"])
    command = [sys.executable, "-m", "scripts.load", *TINY, "--run", "raw", "--rounds", "6", "--profile", "0"]
    command += ["--command", line, "--protocol=raw", f"--ports={ports}", "--modes", "their-read", "their-sendfile"]
    command += ["sendfile", "--root", str(served), "--runs-folder", str(served / "runs")]
    command += ["--reports-folder", str(served / "reports")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return served, done.stdout


@pytest.mark.slow
def test_each_mode_has_its_own_downloads_and_its_own_cpu_time(measured: tuple[Path, str]) -> None:
    folder = RunFolder(measured[0] / "runs" / "raw")
    cells = folder.read_cells()
    for mode, size_bytes in (("their-read", OWN_BYTES), ("their-sendfile", OWN_BYTES), ("sendfile", SMALL_BYTES)):
        of_mode = [cell for cell in cells if cell.mode == mode]
        assert len(of_mode) == 6 and not any(cell.failures for cell in of_mode)
        assert all(cell.received_bytes == cell.downloads * size_bytes for cell in of_mode)
        assert all((cell.metrics["server_cpu_s_per_gib"] or 0) > 0 for cell in of_mode)
    proofs = {proof.mode: proof for proof in folder.read(Proof)}
    assert {proof.state for proof in proofs.values()} == {"available"}


@pytest.mark.slow
def test_that_one_process_serves_both_and_that_protocols_differ_is_said(measured: tuple[Path, str]) -> None:
    page = (measured[0] / "reports" / "raw" / "index.html").read_text()
    assert "one process serves it and their-sendfile" in page and "one process serves it and their-read" in page
    assert "protocol differs: their-read, their-sendfile raw, the others HTTP" in page
    assert "│ their-sendfile │" in measured[1]


@pytest.mark.slow
def test_the_command_that_repeats_it_names_protocol_and_ports(measured: tuple[Path, str]) -> None:
    command = RunFolder(measured[0] / "runs" / "raw").read_run().command
    assert "PROTOCOL=raw" in command and "PORTS='" in command and "COMMAND='" in command


@pytest.mark.slow
def test_nothing_of_the_server_is_left(measured: tuple[Path, str]) -> None:
    started = [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"]]
    assert not [each for each in started if str(measured[0] / "server.py") in each.info["cmdline"]]
