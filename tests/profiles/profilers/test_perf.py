"""perf records a server from its Python line down to the kernel, or says why it cannot."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from profiles.checks.cpu_accounting import perf_stat
from profiles.checks.crosscheck import drive
from profiles.checks.doctor import features
from profiles.profilers import folded_stacks
from profiles.profilers.perf import Perf
from profiles.protocol import Recording, Start
from profiles.targets.catalog import choose
from profiles.targets.supervisor import Supervisor
from tests.conftest import PROJECT, eventually

SEND_FILE = "send_file (servers/modes/sendfile.py:{})"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The process and the port of a server."""
    (tmp_path / "test-file.bin").write_bytes(b"x" * (32 << 20))
    supervisor = Supervisor({target.name: target for target in choose(["sendfile"])}, tmp_path)
    status = supervisor.start(Start("sendfile", any_port=True))
    yield status.pid, status.port
    supervisor.close()


def over(perf: Perf) -> Recording:
    results: list[Recording] = []

    def finished() -> bool:
        results.append(perf.result())
        return results[-1].state != "recording"

    eventually(finished)
    return results[-1]


def test_a_stack_goes_from_the_python_line_to_the_kernel(server: tuple[int, int]) -> None:
    tried = next(feature for feature in features() if feature.name == "perf")
    if tried.state == "missing":
        pytest.skip(f"perf: {tried.text}")
    lines = (PROJECT / "servers/modes/sendfile.py").read_text().splitlines()
    frame = SEND_FILE.format(next(at for at, line in enumerate(lines, 1) if "os.sendfile(" in line))
    pid, port = server
    perf = Perf([pid])
    perf.begin(0.5, f"{frame} 1\n")
    drive(choose(["sendfile"])[0], port, 0.5)
    recording = over(perf)
    assert recording.state == "done", recording.reason
    seen = folded_stacks.read_folded(recording.raw)
    below = [stack for stack in seen if frame + folded_stacks.PYTHON in stack]
    assert any("os_sendfile" in stack and stack[-1].endswith(folded_stacks.KERNEL) for stack in below)


def test_nothing_is_left_in_the_home_folder(
    server: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the doctor, a recording or crosscheck's counter: perf would copy every program into ~/.debug."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    tried = next(feature for feature in features() if feature.name == "perf")
    if tried.state == "missing":
        pytest.skip(f"perf: {tried.text}")
    pid, port = server
    perf = Perf([pid])
    perf.begin(0.2, "")
    drive(choose(["sendfile"])[0], port, 0.2)
    assert over(perf).state == "done"
    with perf_stat(pid) as read:
        drive(choose(["sendfile"])[0], port, 0.1)
        assert read() > 0
    assert list(home.rglob("*")) == []


def test_without_perf_it_is_said(server: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    perf = Perf([server[0]])
    perf.begin(1, "")
    recording = perf.result()
    assert recording.state == "failed"
    assert "perf is not installed" in recording.reason


def test_a_process_that_has_gone_is_a_reason() -> None:
    perf = Perf([2**22 - 1])
    perf.begin(1, "")
    recording = over(perf)
    assert recording.state == "failed"
    assert recording.reason.startswith("perf")


def test_it_ends_with_its_server_and_leaves_nothing(server: tuple[int, int]) -> None:
    pid, _ = server
    trampoline = Path(f"/tmp/perf-{pid}.map")
    trampoline.write_text("as Python 3.12 writes it\n")
    perf = Perf((pid,))
    perf.begin(3600, "")
    os.kill(pid, signal.SIGKILL)
    assert over(perf).state == "failed", "it was idle, or perf may not be had"
    assert not trampoline.exists()
