"""How a process ended is said in words: which signal, and whether memory was short."""

import signal
import socket
import tempfile
from pathlib import Path

import pytest

from errors import UserError
from profiles.metrics import cgroup
from profiles.protocol import Start
from profiles.targets import process_helpers
from profiles.targets.external_server import ExternalServer
from profiles.targets.mode_server import HOST
from profiles.targets.process_helpers import Ending, free_port, last_line, refuse_busy
from tests.profiles.targets.external_servers import from_table


@pytest.mark.parametrize(
    ("code", "kills", "limit", "says"),
    [
        (3, 1, "512 MiB", "exit code 3"),
        (-signal.SIGTERM, 1, "512 MiB", "killed by SIGTERM"),
        (-signal.SIGKILL, 0, "512 MiB", "killed by SIGKILL"),
        (-signal.SIGKILL, None, "512 MiB", "killed by SIGKILL"),
        (
            -signal.SIGKILL,
            1,
            "512 MiB",
            "killed by SIGKILL for lack of memory: its control group is limited to 512 MiB; ",
        ),
        (-signal.SIGKILL, 1, "max", "killed by SIGKILL for lack of memory: the machine has no more; "),
        (-50, 0, None, "killed by signal 50"),
    ],
)
def test_an_end(monkeypatch: pytest.MonkeyPatch, code: int, kills: int | None, limit: str | None, says: str) -> None:
    monkeypatch.setattr(cgroup, "oom_kills", lambda: 0)
    ending = Ending()
    monkeypatch.setattr(cgroup, "oom_kills", lambda: kills)
    monkeypatch.setattr(cgroup, "memory_limit", lambda: limit)
    text = ending.describe(code)
    assert text.startswith(says) and ("fewer USERS" in text) == ("lack of memory" in text)


def test_a_signal_that_killed_an_external_server_is_named(served: Path) -> None:
    table: dict[str, object] = {"command": ["sh", "-c", "kill -KILL $$"], "address": f"127.0.0.1:{free_port(HOST)}"}
    target = from_table(served, "external", table)
    with pytest.raises(UserError, match="external did not start: killed by SIGKILL"):
        ExternalServer(target, Start("external", any_port=True), served)


def test_the_last_line_of_a_server_moves_no_cursor() -> None:
    with tempfile.TemporaryFile() as log:
        log.write("one\nerror: \x1b[2Jred \u202e\x07\n\n".encode() + b"\xff\n \n")
        log.flush()
        assert last_line(log) == "\N{REPLACEMENT CHARACTER}"
        log.truncate(log.tell() - 4)
        assert last_line(log) == r"\x1b[2Jred \u202e\x07"


def test_a_port_that_somebody_only_tried_is_not_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(UserError, match=f"a server cannot have port {port}: process "):
            refuse_busy("a server", port)
    found = iter([[1], []])
    monkeypatch.setattr(process_helpers, "listeners", lambda _: next(found))
    refuse_busy("a server", port)
