"""How load talks to the agent: start and stop targets, counters, samples, flame graphs.

Its rule: an answer is a dataclass of profiles/protocol.py or an error with one clear line. The agent is a child in a
session of its own; it ends when this process closes its end of the pipe, or is killed.
"""

import atexit
import contextlib
import http.client
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from errors import UserError
from profiles.protocol import (
    TOKEN_VARIABLE,
    Done,
    Facts,
    FileState,
    Prove,
    Record,
    Recording,
    Refusal,
    Samples,
    Snapshot,
    Start,
    Stop,
    TargetStatus,
    Watch,
)
from profiles.records import Proof
from profiles.targets import PROJECT

REQUEST_TIMEOUT_S = 150.0  # a proof may take two time-outs of its own
END_TIMEOUT_S = 10.0

R = TypeVar("R")


class ServerHost:
    """The agent on this machine, started by this process. Raises UserError wherever it cannot do what is asked."""

    def __init__(self, root: Path) -> None:
        self._token = secrets.token_urlsafe(32)
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "profiles.agent", "--root", str(root.resolve())],
            cwd=PROJECT,
            env={**os.environ, TOKEN_VARIABLE: self._token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C comes to this process, which ends the agent in order
        )
        atexit.register(self.close)
        assert self._process.stdout is not None
        words = self._process.stdout.readline().split()
        if words[:2] != [b"ready", b"agent"]:
            self.close()
            raise UserError("the agent did not start; what it said stands above")
        self._port = int(words[2])

    def facts(self) -> Facts:
        return self._ask("GET", "/facts", Facts)

    def file_state(self) -> FileState:
        return self._ask("GET", "/file", FileState)

    def drop(self) -> FileState:
        """Throw the served file out of the page cache; what is left of it there."""
        return self._ask("POST", "/drop", FileState, Done())

    def statuses(self) -> list[TargetStatus]:
        return self._ask("GET", "/targets", list[TargetStatus])

    def start(self, wanted: Start) -> TargetStatus:
        return self._ask("POST", "/start", TargetStatus, wanted)

    def stop(self, target: str) -> TargetStatus:
        return self._ask("POST", "/stop", TargetStatus, Stop(target))

    def watch(self, name: str, pid: int) -> None:
        self._ask("POST", "/watch", Done, Watch(name, pid))

    def prove(self, target: str) -> Proof:
        return self._ask("POST", "/prove", Proof, Prove(target))

    def snapshot(self) -> Snapshot:
        return self._ask("GET", "/snapshot", Snapshot)

    def samples(self, after: int) -> Samples:
        return self._ask("GET", f"/samples?after={after}", Samples)

    def record(self, target: str, seconds: int) -> None:
        self._ask("POST", "/record", Done, Record(target, seconds))

    def recording(self, target: str) -> Recording:
        return self._ask("GET", f"/recording?target={target}", Recording)

    def close(self) -> None:
        """End the agent and its servers; safe to call twice, and in a forked worker, where it does nothing."""
        if os.getpid() != self._owner or self._process.poll() is not None:
            return
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, method: str, path: str, kind: type[R], message: object = None) -> R:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=REQUEST_TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._token}"}
        content = None if message is None else msgspec.json.encode(message)
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UserError(f"the agent does not answer {method} {path}: {self._state(error)}") from error
        finally:
            connection.close()
        if response.status != 200:
            refusal = msgspec.json.decode(answer, type=Refusal)
            raise UserError(refusal.message, refusal.exit_code)
        return msgspec.json.decode(answer, type=kind)

    def _state(self, error: Exception) -> str:
        code = self._process.poll()
        if code is None:
            return f"{error or type(error).__name__}; it runs as process {self._process.pid}"
        return f"its process {self._process.pid} has ended (code {code}), and its servers with it; run again"
