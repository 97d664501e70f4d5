"""The agent on this machine, as a child of this process.

Its rule: it has a session of its own, and ends when this process closes its end of the pipe, or is killed.
"""

import atexit
import contextlib
import http.client
import os
import secrets
import subprocess
from pathlib import Path

from errors import UserError, remedy
from interpreter import PYTHON
from load.agent.client import AgentClient
from load.process import wait_or_kill
from profiles.protocol import TOKEN_VARIABLE
from profiles.targets.catalog import PROJECT, environment

REQUEST_TIMEOUT_S = 150.0  # a proof may take two time-outs
END_TIMEOUT_S = 10.0


class LocalAgent(AgentClient):
    """The agent on this machine, started by this process, which serves the files in root."""

    def __init__(self, root: Path) -> None:
        self._token = secrets.token_urlsafe(32)
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [*PYTHON, "-m", "profiles.agent", "--root", str(root.absolute())],
            cwd=PROJECT,
            env={**os.environ, **environment(), TOKEN_VARIABLE: self._token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C comes to this process, which ends the agent in order
        )
        atexit.register(self.close)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        if words[:2] != [b"ready", b"agent"]:
            self.close()
            raise UserError("the agent did not start; see its error above")
        self._port = int(words[2])

    def close(self) -> None:
        """End the agent and its servers; safe to call twice, and in a forked worker, where it does nothing."""
        if os.getpid() != self._owner or self._process.poll() is not None:
            return
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        wait_or_kill(self._process, END_TIMEOUT_S)

    def _connection(self, _path: str) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=REQUEST_TIMEOUT_S)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _no_answer_error(self, what: str, error: Exception) -> UserError:
        pid, code = self._process.pid, self._process.poll()
        state = f"its process {pid} has ended (code {code}), and its servers with it; run again"
        if code is None:
            advice = remedy(error, "") if isinstance(error, OSError) else ""
            state = f"{error or type(error).__name__}; {advice or f'it runs as process {pid}'}"
        return UserError(f"the agent does not answer {what}: {state}")
