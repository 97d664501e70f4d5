"""Requests to an agent, wherever it runs: start and stop targets, counters, samples, flame graphs.

Its rule: an answer is a dataclass of profiles/protocol.py, or an error of one clear line. load/agent/local.py and
load/agent/remote.py know how the agent runs.
"""

import gzip
import http.client
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import quote

import msgspec

from errors import UserError, printable
from profiles import protocol
from profiles.store.clock_check import ClockCheck
from profiles.store.proof import Proof
from profiles.targets.mode_server import HOST

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Exchange(Generic[R]):
    """An answer, and the moments of our monotonic clock between which the agent gave it."""

    answer: R
    asked_s: float
    answered_s: float


class RefusedError(UserError):
    """The agent refused. status: of HTTP."""

    def __init__(self, status: int, refusal: protocol.Refusal) -> None:
        super().__init__(printable(refusal.message), refusal.exit_code)
        self.status = status


class AgentClient(ABC):
    """Every method raises UserError when the agent cannot do what is asked.

    on_other_machine: whether its servers run on another machine than this one.
    """

    on_other_machine = False

    @property
    def servers_host(self) -> str:
        """Where the servers are reached from here."""
        return HOST

    @abstractmethod
    def close(self) -> None:
        """Stop everything that runs for us; safe to call twice."""

    @abstractmethod
    def _connection(self, path: str) -> http.client.HTTPConnection:
        """A connection, not yet made, with the time-out of this path."""

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        connection.connect()

    @abstractmethod
    def _headers(self) -> dict[str, str]:
        """Headers of every request."""

    @abstractmethod
    def _no_answer_error(self, what: str, error: Exception) -> UserError:
        """The error to raise when there was no answer."""

    def check(self) -> None:  # noqa: B027  # only an agent elsewhere is ever lost without the run
        """Raises PeerLostError as soon as it is known that the agent was lost."""

    def recover(self) -> None:  # noqa: B027  # as above
        """Wait until a lost agent is back. Raises UserError when it does not come back."""

    def facts(self) -> protocol.Facts:
        return self._ask("GET", "/facts", protocol.Facts)

    def machine(self, address: str = "") -> protocol.Machine:
        return self._ask("GET", f"/machine?address={address}", protocol.Machine)

    def file_state(self) -> protocol.FileState:
        return self._ask("GET", "/file", protocol.FileState)

    def warm(self) -> protocol.FileState:
        """Read the whole served file into the page cache; its state afterwards."""
        return self._ask("POST", "/warm", protocol.FileState, protocol.Done())

    def drop(self) -> protocol.FileState:
        """Drop the served file from the page cache; its state afterwards."""
        return self._ask("POST", "/drop", protocol.FileState, protocol.Done())

    def statuses(self) -> list[protocol.TargetStatus]:
        return self._ask("GET", "/targets", list[protocol.TargetStatus])

    def start(self, wanted: protocol.Start) -> protocol.TargetStatus:
        return self._ask("POST", "/start", protocol.TargetStatus, wanted)

    def start_all(self, wanted: Sequence[protocol.Start]) -> list[protocol.TargetStatus]:
        """Servers of several targets, started at the same time; where one does not start, none is left."""
        return self._ask("POST", "/start-all", list[protocol.TargetStatus], wanted)

    def stop(self, name: str) -> protocol.TargetStatus:
        return self._ask("POST", "/stop", protocol.TargetStatus, protocol.Named(name))

    def stop_all(self, names: Sequence[str]) -> list[protocol.TargetStatus]:
        """Several servers, which end at the same time."""
        return self._ask("POST", "/stop-all", list[protocol.TargetStatus], [protocol.Named(name) for name in names])

    def watch(self, name: str, pid: int) -> None:
        self._ask("POST", "/watch", protocol.Done, protocol.Watch(name, pid))

    def prove(self, target: str, options: Mapping[str, int] | None = None, name: str = "") -> Proof:
        """What a target with these options does. name: that the proof bears; empty for the target's own."""
        return self._ask("POST", "/prove", Proof, protocol.Prove(target, dict(options or {}), name))

    def check_clock(self, cpus: tuple[int, ...], seconds: float) -> ClockCheck:
        """Whether the process clock of the servers' machine leaves out steal; takes so long, on CPUs that are idle."""
        return self._ask("POST", "/clock", ClockCheck, protocol.TryClock(cpus, seconds))

    def snapshot(self) -> protocol.Snapshot:
        return self._ask("GET", "/snapshot", protocol.Snapshot)

    def read(self) -> protocol.Snapshot:
        """Fresh counters of the servers and of the load."""
        return self.snapshot()

    def samples(self, after: int) -> protocol.Samples:
        """Samples after this number, with moments on our monotonic clock."""
        return self._ask("GET", f"/samples?after={after}", protocol.Samples)

    def newest_sample(self) -> int:
        return self.samples(sys.maxsize).last

    def record(self, name: str, seconds: float, *, deep: bool = False) -> None:
        self._ask("POST", "/record", protocol.Done, protocol.Record(name, seconds, deep))

    def recording(self, name: str) -> protocol.Recording:
        return self._ask("GET", f"/recording?target={quote(name)}", protocol.Recording)

    def _ask(self, method: str, path: str, kind: type[R], message: object = None) -> R:
        return self._exchange(method, path, kind, message).answer

    def _exchange(self, method: str, path: str, kind: type[R], message: object = None) -> Exchange[R]:
        connection = self._connection(path)
        content = None if message is None else msgspec.json.encode(message)
        try:
            self._connect(connection)
            asked_s = time.monotonic()
            connection.request(method, path, content, self._headers())
            response = connection.getresponse()
            answered_s = time.monotonic()
            body = response.read()
            answer = gzip.decompress(body) if response.getheader("Content-Encoding") == "gzip" else body
            if response.status != 200:
                raise RefusedError(response.status, msgspec.json.decode(answer, type=protocol.Refusal))
            return Exchange(msgspec.json.decode(answer, type=kind), asked_s, answered_s)
        except (OSError, http.client.HTTPException, EOFError, msgspec.DecodeError) as error:
            raise self._no_answer_error(f"{method} {path.partition('?')[0]}", error) from error
        finally:
            connection.close()
