"""A pipe has the wanted size, or the reason is given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import discovery
from servers.mechanisms import pipes
from tests.conftest import PROJECT

LARGEST_BYTES = int(Path("/proc/sys/fs/pipe-max-size").read_text())
PAGES_OF_A_USER = int(Path("/proc/sys/fs/pipe-user-pages-soft").read_text())
SPLICING = [facts.name for facts in discovery.discover().values() if pipes.OPTION in facts.options]

# Root may be exempt from the limits, so it becomes another user, once everything is imported and open.
AS_ANOTHER_USER = """
import contextlib, os, socket, sys
from servers import discovery
from servers.mechanisms import pipes
from tests.servers.probe import become_unprivileged, tcp_pair
left, right = tcp_pair()
fd = os.open(sys.argv[1], os.O_RDONLY)
send_file = {name: discovery.import_mode(name)[1] for name in sys.argv[2:]}
def send(name, **options):
    try:
        send_file[name](left, fd, 0, 9000, **options)
        print(name, right.recv(9000, socket.MSG_WAITALL) == os.pread(fd, 9000, 0))
    except PermissionError as error:
        print(name, error.strerror)
if os.getuid() == 0:
    become_unprivileged()
"""


def said(script: str, root: Path) -> tuple[list[str], str]:
    """The lines on stdout, and stderr."""
    command = [sys.executable, "-c", AS_ANOTHER_USER + script, str(root / "file.bin"), *SPLICING]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines(), done.stderr


@pytest.mark.parametrize("wanted_bytes", [1, 4096, 65_536, 65_537, LARGEST_BYTES])
def test_a_pipe_holds_what_was_asked_for_and_ends_with_its_answer(wanted_bytes: int) -> None:
    with pipes.opened(wanted_bytes) as pipe:
        assert pipe.size_bytes >= wanted_bytes
        os.set_blocking(pipe.writing, False)
        assert os.write(pipe.writing, bytes(2 * pipe.size_bytes)) == pipe.size_bytes
    for fd in (pipe.reading, pipe.writing):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)


def test_more_than_one_pipe_may_have_is_refused_by_name(root: Path) -> None:
    lines, _ = said(f"for name in send_file: send(name, pipe={2 * LARGEST_BYTES})", root)
    limit = f"without privilege a pipe may have {LARGEST_BYTES} bytes (/proc/sys/fs/pipe-max-size)"
    assert lines == [f"{name} a pipe of {2 * LARGEST_BYTES} bytes is refused: {limit}" for name in SPLICING]


@pytest.mark.skipif(
    not 0 < PAGES_OF_A_USER <= 100_000 or LARGEST_BYTES < pipes.DEFAULT_BYTES,
    reason="the pages of a user's pipes are not limited here, or not to what a test can use up",
)
def test_past_the_users_share_a_chosen_size_is_refused_and_the_default_shrinks_with_a_line(root: Path) -> None:
    script = f"""
with contextlib.ExitStack() as held:
    for _ in range({PAGES_OF_A_USER} * 4096 // pipes.DEFAULT_BYTES + 1):
        held.enter_context(pipes.opened(pipes.DEFAULT_BYTES))
    for name in send_file:
        send(name, pipe={LARGEST_BYTES // 2})
        send(name)
"""
    lines, stderr = said(script, root)
    limit = (
        f"without privilege all pipes of a user may have {PAGES_OF_A_USER} pages (/proc/sys/fs/pipe-user-pages-soft)"
    )
    refused = f"a pipe of {LARGEST_BYTES // 2} bytes is refused: {limit}"
    assert lines == [line for name in SPLICING for line in (f"{name} {refused}", f"{name} True")]
    assert stderr.count("\n") == 1 and f"some pipes are smaller than {pipes.DEFAULT_BYTES} bytes: {limit}" in stderr
