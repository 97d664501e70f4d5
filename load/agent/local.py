"""The agent on this machine, as a child of this process.

Its rule: it has a session of its own, and ends when this process closes its end of the pipe, or is killed.
"""

import atexit
import contextlib
import http.client
import os
import secrets
import signal
import subprocess
from pathlib import Path

import psutil

from errors import UserError, remedy
from interpreter import PYTHON, ctrl_c_later
from load.agent.client import AgentClient
from load.process import wait_or_kill
from profiles.protocol import SILENT_S, TOKEN_VARIABLE
from profiles.targets.catalog import PROJECT, environment
from profiles.targets.process_helpers import Ending

END_TIMEOUT_S = 10.0


class LocalAgent(AgentClient):
    """The agent on this machine, started by this process, which serves the files in root."""

    def __init__(self, root: Path) -> None:
        self._token = secrets.token_urlsafe(32)
        self._owner = os.getpid()
        self._ending = Ending()
        with ctrl_c_later():
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
        self._process.send_signal(signal.SIGCONT)  # one that is stopped could not end in order
        wait_or_kill(self._process, END_TIMEOUT_S)

    def _connection(self, _path: str) -> http.client.HTTPConnection:
        if self._is_stopped():
            raise UserError(self._stopped)
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=SILENT_S)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    @property
    def _stopped(self) -> str:
        pid = self._process.pid
        return (
            f"the agent was stopped by a signal (SIGSTOP): `kill -CONT {pid}` lets its process {pid} go on; run again"
        )

    def _is_stopped(self) -> bool:
        try:
            return psutil.Process(self._process.pid).status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return False

    def _no_answer_error(self, what: str, error: Exception) -> UserError:
        pid, code = self._process.pid, self._process.poll()
        if self._is_stopped():
            return UserError(self._stopped)
        if code is not None:
            state = f"its process {pid} has ended ({self._ending.describe(code)}), and its servers with it; run again"
        else:
            advice = remedy(error, "") if isinstance(error, OSError) else ""
            state = f"{error or type(error).__name__}; {advice or f'it runs as process {pid}'}"
        return UserError(f"the agent does not answer {what}: {state}")
