"""A server that is short of memory, as under `ulimit -v`: what it cannot do is 503 or a closed connection, and it ends.

Nothing hangs: every peer hears something, the server answers again afterwards, and the stop signal always works.
"""

import itertools
import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.conftest import PROJECT, eventually
from tests.servers import footprint
from tests.servers.failing_allocations import SKIPPED
from tests.servers.probe import now_or_slow, skip_if_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import Connection, get, head

Servers = Callable[..., ServerProcess]

LARGE_BYTES = 4 << 20
ROOMS_BYTES = (3 << 20, 9 << 20)  # address space beyond what a server has when it is ready: a few downloads
AT_ONCE = 100
SERVERS, TRIES = 2, 10  # of each mode, and of each server


@now_or_slow("read-send", "sendfile")
def test_a_lack_of_memory_hangs_nobody(servers: Servers, root: Path, large: Path, mode_name: str) -> None:
    starve(servers, root, mode_name, tries=1)


@pytest.mark.slow
def test_a_lack_of_memory_never_hangs_anybody(servers: Servers, root: Path, large: Path, mode_name: str) -> None:
    for _ in range(SERVERS):
        starve(servers, root, mode_name, tries=TRIES)


def starve(servers: Servers, root: Path, mode_name: str, tries: int) -> None:
    """Let many peers download at once where there is room for a few, again and again; end it in the same plight."""
    skip_if_missing(mode_name)
    process = servers(mode_name, "--port", "0", "--root", root)
    port = process.ready_port()
    assert get(port, "/one").body == b"1"
    for room_bytes in itertools.islice(itertools.cycle(ROOMS_BYTES[::-1]), tries):
        eventually(lambda: footprint.of(process.pid).threads == 1)
        limit = psutil.Process(process.pid).memory_info().vms + room_bytes
        resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            heard = Counter(pool.map(download, [port] * AT_ONCE))
        assert heard.keys() <= {"whole", "cut", "closed", 503} and heard.total() == AT_ONCE
        resource.prlimit(process.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        eventually(lambda: get(port, "/one").body == b"1")
    eventually(lambda: footprint.of(process.pid).threads == 1)
    resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    assert process.end() == 0


@pytest.mark.parametrize("use", ["connections", "tally", "log"])
def test_no_lock_is_lost_whichever_allocation_fails(use: str) -> None:
    """In a process of its own, where each allocation in turn fails: afterwards another thread gets on."""
    command = [sys.executable, "-m", "tests.servers.failing_allocations", use]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == SKIPPED:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr


def download(port: int) -> str | int:
    """What came of it; a server that says nothing for TIMEOUT_S is an error."""
    try:
        with Connection(port, receive_buffer_bytes=16 << 10) as connection:
            connection.sock.sendall(head("/large"))
            status, headers = connection.response_head()
            whole = len(connection.body(int(headers["content-length"]))) == int(headers["content-length"])
            return ("whole" if whole else "cut") if status == 200 else status
    except TimeoutError:
        raise
    except (OSError, AssertionError):  # closed, before an answer or during the handshake
        return "closed"
