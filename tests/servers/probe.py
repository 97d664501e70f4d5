"""Whether this machine supports a mode: decided by trying it, never by a version.

`python -m tests.servers.probe MODE` sends a small file once over a TCP connection of this machine. It runs in
a process of its own, so that a crash becomes a reason to skip.
"""

import errno
import functools
import os
import socket
import subprocess
import sys
import tempfile
import threading

import pytest

from profiles.contract.subject import connected_pair
from servers import discovery
from servers.mode import Mode, SendFile
from tests.conftest import PROJECT

PROBE_BYTES = 100_003


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        left = socket.create_connection(listener.getsockname())
        return left, listener.accept()[0]


def mode_of(send_file: SendFile) -> Mode:
    """The mode that a send_file belongs to; sendfile's for one that a test made."""
    module = sys.modules[send_file.__module__]
    return getattr(module, "MODE", None) or discovery.import_mode("sendfile")[0]


def become_unprivileged() -> None:
    """Become a user that no other process has, so that limits per user are this process's own; cannot be undone."""
    os.setuid(10_000 + os.getpid() % 50_000)


def own_host() -> str:
    """A loopback address that no other process uses, so that its ports are free."""
    pid = os.getpid()
    return f"127.{64 + (pid >> 16) % 64}.{pid >> 8 & 255}.{pid & 255}"


def now_or_slow(*now: str) -> pytest.MarkDecorator:
    """Parametrize mode_name: these modes in every run, all others in the slow ones."""
    names = [pytest.param(name, marks=() if name in now else pytest.mark.slow) for name in discovery.names()]
    return pytest.mark.parametrize("mode_name", names)


def skip_if_missing(name: str) -> None:
    reason = why_missing(name)
    if reason is not None:
        pytest.skip(f"{name} is missing here: {reason}")


@functools.cache
def why_missing(name: str) -> str | None:
    """None when it works; else the errno's name, or how it ended."""
    command = [sys.executable, "-m", "tests.servers.probe", name]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode == 0:
        return None
    return (done.stdout or done.stderr).strip() or f"it ended with code {done.returncode}"


def main(name: str) -> int:
    facts, send_file = discovery.import_mode(name)
    content = bytes(range(251)) * (PROBE_BYTES // 251) + bytes(PROBE_BYTES % 251)
    left, right = connected_pair(facts)
    parts: list[bytes] = []
    thread = threading.Thread(target=lambda: parts.extend(iter(lambda: right.recv(1 << 16), b"")))
    with left, right, tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        thread.start()
        try:
            send_file(left, file.fileno(), 0, len(content))
        except OSError as error:
            print(f"{errno.errorcode.get(error.errno or 0, 'no errno')}: {error}")
            return 1
        finally:
            left.shutdown(socket.SHUT_WR)
            thread.join()
    if b"".join(parts) != content:
        print("other bytes arrived than were sent")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
