"""An agent that listens on another host, or in another container or network namespace of this one.

Its rule: we hold a lease of it and renew it regularly. An agent that cannot be reached, or no longer knows the lease,
is lost: what ran meanwhile is void (load/errors.py). The load itself is sampled here, by an agent of our own.
"""

import contextlib
import http.client
import socket
import ssl
import sys
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import gevent

from errors import UserError
from load.agent.client import AgentClient, Exchange, RefusedError
from load.agent.clock import Clock
from load.agent.local import LocalAgent
from load.agent.options import AgentOptions
from load.errors import PeerLostError
from profiles import protocol

CONNECT_TIMEOUT_S = 5.0
KEEP_ALIVE = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 3, socket.TCP_KEEPCNT: 3}  # tcp(7): lost after 14 s
RECOVER_S = 30.0
RETRY_S = 1.0
PATHS_BACK = ("/lease", "/alive")  # that tell whether a silent one is back
MAX_SEEN = 1000

R = TypeVar("R")


class RemoteAgent(AgentClient):
    """The agent at an address. observer: samples the load; None to start a local agent for that.

    Raises UserError when the agent refuses, PeerLostError when it cannot be reached (any more).
    """

    def __init__(self, options: AgentOptions, observer: AgentClient | None = None) -> None:
        self._options = options
        self._clock = Clock()
        self._lease = ""
        self._lost: PeerLostError | None = None
        self._silent: PeerLostError | None = None
        self._served_from = self._reached = ""
        self._seen: OrderedDict[int, int] = OrderedDict()  # our observer's newest sample, by the agent's
        self._every_s = 0.0
        try:
            self._take_lease(0.0)
        except RefusedError as error:  # perhaps a load that was killed holds it until its lease expires
            if error.status != protocol.BUSY:
                raise
            print(f"{error}; waiting", file=sys.stderr)
            self._take_lease(RECOVER_S)
        self._observer = LocalAgent(Path()) if observer is None else observer
        try:
            self._theirs, self._ours = self.machine(), self._observer.machine(self._local_address())
            self.on_other_machine = self._theirs.boot is None or self._theirs.boot != self._ours.boot
        except UserError:
            self.close()
            raise
        self._file = ""
        self._heart = gevent.spawn(self._keep_alive)

    def check(self) -> None:
        if self._lost is not None:
            raise self._lost

    def recover(self) -> None:
        self._take_lease(RECOVER_S)
        file = self._file
        if file and self.facts().file.sha256 != file:
            why = "serves another file than before it was lost: run again"
            raise UserError(f"the agent at {self._options.address} {why}")

    def facts(self) -> protocol.Facts:
        facts = self._ask("GET", "/facts", protocol.Facts)
        self._file = facts.file.sha256
        where = "another network of the same machine" if not self.on_other_machine else "another machine"
        both = {
            "servers_on": f"{self._theirs.name}, {self._served_from} ({where})",
            "load_on": f"{self._ours.name}, {self._local_address()}",
        }
        return replace(facts, host={**both, **facts.host}, load_host=self._ours.host if self.on_other_machine else {})

    def start(self, wanted: protocol.Start) -> protocol.TargetStatus:
        """The server's address is as seen from here."""
        return self._seen_from_here(super().start(wanted))

    def start_all(self, wanted: Sequence[protocol.Start]) -> list[protocol.TargetStatus]:
        return [self._seen_from_here(status) for status in super().start_all(wanted)]

    def _seen_from_here(self, status: protocol.TargetStatus) -> protocol.TargetStatus:
        return replace(status, host=self.servers_host) if status.host == self._served_from else status

    @property
    def servers_host(self) -> str:
        """Where the servers are reached from here: where we reached the agent, unless they have a network of their
        own."""
        return self._options.address.host if self._served_from == self._reached else self._served_from

    def watch(self, name: str, pid: int) -> None:
        self._observer.watch(name, pid)

    def read(self) -> protocol.Snapshot:
        """The load is read just before the servers; nothing moves meanwhile."""
        here = self._observer.snapshot().processes
        found = self.snapshot()
        renamed = {"sampler": protocol.LOAD_SAMPLER, "machine": protocol.LOAD_MACHINE}
        own_machine = self.on_other_machine
        ours = {renamed.get(name, name): here[name] for name in here if name != "machine" or own_machine}
        return replace(found, processes={**found.processes, **ours})

    def samples(self, after: int) -> protocol.Samples:
        """Samples of both agents; several callers may ask in turn."""
        seen = self._seen.get(after, next(reversed(self._seen.values()), 0))
        found, ours = super().samples(after), self._observer.samples(seen)
        self._seen.setdefault(found.last, ours.last)
        while len(self._seen) > MAX_SEEN:
            self._seen.popitem(last=False)
        theirs = [replace(sample, monotonic_s=self._clock.ours(sample.monotonic_s)) for sample in found.samples]
        together = [*theirs, *(sample for sample in ours.samples if sample.process not in ("machine", "sampler"))]
        return protocol.Samples(found.last, tuple(sorted(together, key=lambda sample: sample.monotonic_s)))

    def close(self) -> None:
        if heart := getattr(self, "_heart", None):
            heart.kill()
        with contextlib.suppress(UserError):  # it is lost: the lease expires by itself
            if self._lease:
                self._ask("POST", "/release", protocol.Done, protocol.Done())
        self._lease = ""
        self._observer.close()

    def _keep_alive(self) -> None:
        """Renew the lease, and follow the drift of the clocks."""
        while True:
            gevent.sleep(self._every_s)
            lease, lost = self._lease, None
            try:
                self._renew()
            except UserError as error:
                lost = error if isinstance(error, PeerLostError) else PeerLostError(str(error))
            if lease == self._lease:  # else it recovered meanwhile
                self._lost = lost
                self._silent = self._silent if lost else None

    def _renew(self) -> None:
        found = self._exchange("GET", "/alive", protocol.Moment)
        self._clock.learn(found.asked_s, found.answer.monotonic_s, found.answered_s)

    def _take_lease(self, within_s: float) -> None:
        """Wait until the agent is up and free. Raises PeerLostError, or RefusedError where waiting does not help."""
        deadline_s, ask = time.monotonic() + within_s, protocol.Ask(socket.gethostname(), self._lease)
        while True:
            try:
                given = self._exchange("POST", "/lease", protocol.Lease, ask).answer
                break
            except (PeerLostError, RefusedError) as error:
                hopeless = isinstance(error, RefusedError) and error.status != protocol.BUSY
                if hopeless or time.monotonic() > deadline_s:
                    raise
            gevent.sleep(RETRY_S)
        self._lease, self._every_s = given.lease, given.every_s
        self._served_from, self._reached = given.address, given.reached
        self._lost, self._silent, self._clock = None, None, Clock()
        self._renew()  # samples may be asked for at once, and none has a moment of ours before that

    def _local_address(self) -> str:
        """Ours, from which the servers are reached."""
        family, *_, place = socket.getaddrinfo(self.servers_host, self._options.address.port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as asked:
            asked.connect(place)  # which sends nothing
            return str(asked.getsockname()[0])

    def _connection(self, path: str) -> http.client.HTTPConnection:
        """Raises PeerLostError at once where it was silent just before, and did not come back since."""
        if self._silent is not None and path not in PATHS_BACK:
            raise self._silent
        tls, address = self._options.tls, self._options.address
        if tls is None:
            return http.client.HTTPConnection(address.host, address.port, timeout=protocol.SILENT_S)
        return http.client.HTTPSConnection(address.host, address.port, timeout=protocol.SILENT_S, context=tls)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        """Connect quickly or fail, and notice when the network fails while we wait for an answer."""
        timeout_s, connection.timeout = connection.timeout, CONNECT_TIMEOUT_S
        connection.connect()
        connection.sock.settimeout(timeout_s)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE.items():
            connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)

    def _headers(self) -> dict[str, str]:
        own = {"Authorization": f"Bearer {self._options.token}", "Accept-Encoding": "gzip"}
        return own | ({protocol.LEASE_HEADER: self._lease} if self._lease else {})

    def _exchange(self, method: str, path: str, kind: type[R], message: object = None) -> Exchange[R]:
        try:
            return super()._exchange(method, path, kind, message)
        except RefusedError as error:
            if error.status == protocol.LEASE_LOST:
                raise PeerLostError(f"the agent at {self._options.address} was lost: {error}") from error
            raise

    def _no_answer_error(self, what: str, error: Exception) -> UserError:
        verification = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else None
        reason = verification or getattr(error, "strerror", None) or str(error) or type(error).__name__
        why = f"the agent at {self._options.address} does not answer {what}: {reason}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return UserError(
                f"{why}; AGENT_CA must name the authority that signed its certificate, which must be for that host"
            )
        if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
            return UserError(f"{why}; it speaks no TLS: leave out AGENT_CA, or start it with TLS_CERT")
        if isinstance(error, ConnectionResetError | BrokenPipeError) and self._options.tls is None and not self._lease:
            why += "; one that was started with TLS_CERT wants AGENT_CA here"
        if isinstance(error, TimeoutError):
            why += f" for {protocol.SILENT_S:g} s: it was stopped (SIGSTOP), or the network failed"
            self._silent = PeerLostError(why)
        return PeerLostError(why)


def connect(options: AgentOptions | None, root: Path) -> AgentClient:
    """The agent at this address; None: a local one that serves root."""
    return LocalAgent(root) if options is None else RemoteAgent(options)
