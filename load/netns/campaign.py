"""A campaign between two network namespaces: servers and their agent in one, the load in the other.

Its rule: nothing outlives this process. The agent holds a lifeline. The kernel (PR_SET_PDEATHSIG, prctl(2)) or we end
the load, and then wait for it, since it cleans up after itself.
"""

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from errors import UserError
from interpreter import PYTHON
from load.netns.namespaces import SERVERS_ADDRESS, Link, Pair, inside, joined
from load.process import wait_or_kill
from profiles.agent.access import Address

AGENT = Address(SERVERS_ADDRESS, 8070)
PR_SET_PDEATHSIG = 1
END_TIMEOUT_S = 30.0

_libc = ctypes.CDLL(None, use_errno=True)


def run(load: Sequence[str], root: Path, link: Link) -> int:
    """load: Python's arguments for a campaign without an agent; its exit code. Raises UserError before it has begun."""
    with joined(link) as pair, tempfile.TemporaryDirectory(prefix="zero-copy-bench-") as folder:
        token = Path(folder) / "token"
        token.touch(mode=0o600)
        token.write_text(secrets.token_urlsafe(32))
        with _agent(pair, root, token):
            command = [*load, "--agent", str(AGENT), "--agent-token-file", str(token)]
            return _run_to_end(inside(pair.load, [*PYTHON, *command]))


@contextlib.contextmanager
def _agent(pair: Pair, root: Path, token: Path) -> Iterator[None]:
    reading, held = os.pipe()
    command = [*PYTHON, "-m", "profiles.agent", "--root", str(root), "--listen", str(AGENT)]
    command += ["--token-file", str(token), "--lifeline", str(reading)]
    try:
        process = subprocess.Popen(
            inside(pair.servers, command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=[reading],
            start_new_session=True,
        )
    finally:
        os.close(reading)
    try:
        assert process.stdout is not None
        if not process.stdout.readline().startswith(b"ready agent "):
            raise UserError("the agent did not start; see its error above")
        yield
    finally:
        os.close(held)
        wait_or_kill(process, END_TIMEOUT_S)


def _run_to_end(command: list[str]) -> int:
    """Run the load; its exit code. It gets our signals, and cleans up when we are interrupted, ended or killed."""
    end_with_parent = partial(_libc.prctl, PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    process = subprocess.Popen(command, preexec_fn=end_with_parent, start_new_session=True)

    def forward(number: int, _: object) -> None:
        process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
