"""A server process under soak: what it may hold, what it may say, and its end by a signal in mid-download.

Its rule: every check here is an assertion with the facts in it; whoever runs the soak says the seed.
"""

import random
import signal
from pathlib import Path

from tests.servers import footprint
from tests.servers.process import ServerProcess
from tests.servers.raw import Connection, head

SLACK_BYTES = 64 << 20  # what malloc keeps for itself after a round of everything
_MAY_SAY = (
    "closed a connection: the peer took nothing",  # a slow reader has met the send time-out
    "closed a connection: the file shrank",
    "closed a connection: the file was changed",  # cut; or growing: written to, and not longer yet
)
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)


class Watched:
    """A mode's server process for a folder, restarted on the same port again and again."""

    def __init__(self, mode_name: str, root: Path, stderr_folder: Path) -> None:
        self.mode_name = mode_name
        self.restarts = 0
        self.highest_resident_bytes = 0
        self._root = root
        self._stderr_folder = stderr_folder
        self.port = 0
        self._start()

    def _start(self) -> None:
        stderr = self._stderr_folder / f"{self.mode_name}-{self.restarts}"
        self._process = ServerProcess(stderr, self.mode_name, "--port", str(self.port), "--root", self._root)
        self.port = self._process.ready_port()
        self._at_rest = footprint.of(self._process.pid)

    def check(self) -> None:
        """Asserts that it holds what it held at its start, now that its peers have left, and that all is well."""
        now = footprint.back_to(self._process.pid, self._at_rest, SLACK_BYTES)
        self.highest_resident_bytes = max(self.highest_resident_bytes, now.resident_bytes)
        self.check_what_it_said()

    def check_what_it_said(self) -> None:
        """Asserts that it has said no more than it may."""
        _, *lines = self._process.errors().splitlines()  # the first says what it serves
        unexpected = [line for line in lines if not line.split(": ", 1)[-1].startswith(_MAY_SAY)]
        assert not unexpected, unexpected

    def signal_in_mid_download(self, rng: random.Random) -> None:
        """End it in one way or another while a peer downloads, and start it again."""
        number = rng.choice(_SIGNALS)
        with Connection(self.port, receive_buffer_bytes=16 << 10) as connection:
            connection.sock.sendall(head("/large"))
            connection.response_head()
            code = self._process.end(number)
        assert code == (-number if number == signal.SIGKILL else 0), (
            f"{self.mode_name} ended with {code} after {number}"
        )
        self.check_what_it_said()
        self.close()
        self.restarts += 1
        self._start()

    def close(self) -> None:
        self._process.kill_if_running()
