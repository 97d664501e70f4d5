"""Whether this machine has a mode: decided by trying it, never by a version.

`python -m tests.servers.probe MODE` sends a small file once over a TCP connection of this machine. It is run as a
process of its own, so that a crash is a reason and not the end of the tests.
"""

import errno
import functools
import socket
import subprocess
import sys
import tempfile
import threading

import pytest

from servers import mode
from tests.conftest import PROJECT

PROBE_BYTES = 100_003


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        left = socket.create_connection(listener.getsockname())
        return left, listener.accept()[0]


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
    send_file = mode.load(name)[1]
    content = bytes(range(251)) * (PROBE_BYTES // 251) + bytes(PROBE_BYTES % 251)
    left, right = tcp_pair()
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
