"""What the agent can do: one method per message of profiles/protocol.py, and which path calls which.

Its rule: nothing here takes long, since requests are handled one at a time; the sampler has a thread of its own.
"""

import contextlib
import re
import resource
import socket
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from errors import UserError, printable
from profiles import open_metrics, protocol
from profiles.agent import source_excerpts
from profiles.agent.http_server import AgentRequest, Handler, Routes, Text
from profiles.agent.lease import LEASE_S, Leases
from profiles.agent.sampler import INTERVAL_S, Sampler
from profiles.checks import process_clock
from profiles.checks.doctor import features
from profiles.checks.prove_mode import prove
from profiles.host import facts, memory, page_cache
from profiles.host.network import LOOPBACK, interface_of
from profiles.host.served_file import ServedFile, identity_of, sample_of
from profiles.metrics.process import GONE, METRICS, ProcessReader, Reader
from profiles.profilers.recordings import Recordings
from profiles.store.clock_check import ClockCheck
from profiles.store.proof import Proof
from profiles.store.run_facts import SERVED_FILE, Fact
from profiles.targets import catalog
from profiles.targets.supervisor import Supervisor
from servers.mode import most_connections

M = TypeVar("M")
METRICS_ROUTE = ("GET", "/metrics")
_WATCHED = re.compile(rf"{protocol.LOAD}(-worker-[0-9]{{1,4}})?")


class Agent:
    """One method per message of profiles/protocol.py. All raise UserError."""

    def __init__(self, root: Path, interval_s: float = INTERVAL_S) -> None:
        self._root = root
        self._interval_s = interval_s
        self._targets = catalog.discover()
        self._supervisor = Supervisor(self._targets, root)
        self._file: ServedFile | None = None
        self._watched: dict[str, ProcessReader] = {}
        self._recordings = Recordings()
        self._interface: str | None = LOOPBACK
        self._sampler = Sampler(self._readers, interval_s)
        self._sampler.start()

    def facts(self) -> protocol.Facts:
        identity, sample = identity_of(self._root / SERVED_FILE), sample_of(self._root / SERVED_FILE)
        file = facts.file_facts(self._root / SERVED_FILE)
        self._file = ServedFile(identity, sample, file.sha256)
        return protocol.Facts(
            targets=tuple(target.facts for target in self._targets.values()),
            metrics=tuple(metric.facts for metric in METRICS),
            file=file,
            sample_interval_s=self._interval_s,
            host=facts.host_facts(self._interface) | self._tried,
            software=facts.software_facts(catalog.PROJECT),
            code=source_excerpts.read(catalog.PROJECT),
            most_connections=most_connections(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        )

    def machine(self, address: str) -> protocol.Machine:
        """address: of the interface to describe; empty for the one that the servers listen on."""
        interface = interface_of(address) if address else self._interface
        return protocol.Machine(socket.gethostname(), facts.boot(), facts.host_facts(interface))

    def serve_on(self, address: str) -> None:
        """Let the servers that start from now on listen at this address."""
        self._supervisor.host = address
        self._interface = interface_of(address)

    @cached_property
    def _tried(self) -> dict[str, Fact]:
        """What the machine can do. Trying takes a second, and a sweep asks for the facts of each file."""
        tried: dict[str, Fact] = {f"{feature.name} (tried)": str(feature) for feature in features()}
        return {"memory_copy_gib_per_s": memory.copy_gib_per_s()} | tried

    def file_state(self) -> protocol.FileState:
        path = self._root / SERVED_FILE
        share = page_cache.resident_share_of(path)  # first: looking at the bytes brings them in
        return protocol.FileState(share, *((None, None) if self._file is None else self._file.changes(path)))

    def warm(self) -> protocol.FileState:
        """Read what is absent of the served file into the page cache."""
        with contextlib.suppress(OSError):  # which the state shows
            page_cache.warm(self._root / SERVED_FILE)
        return protocol.FileState(page_cache.resident_share_of(self._root / SERVED_FILE))

    def drop(self) -> protocol.FileState:
        return protocol.FileState(page_cache.drop(self._root / SERVED_FILE))

    def statuses(self) -> list[protocol.TargetStatus]:
        return [self._supervisor.status(name) for name in dict.fromkeys([*self._targets, *self._supervisor.running()])]

    def start(self, message: protocol.Start) -> protocol.TargetStatus:
        return self.start_all([message])[0]

    def start_all(self, messages: list[protocol.Start]) -> list[protocol.TargetStatus]:
        statuses = self._supervisor.start_all(messages)
        for message in messages:
            if message.profiler == "perf":
                self._recordings.attach(message.runs_as, self._supervisor.pids(message.runs_as))
        return statuses

    def stop(self, message: protocol.Named) -> protocol.TargetStatus:
        return self.stop_all([message])[0]

    def stop_all(self, messages: list[protocol.Named]) -> list[protocol.TargetStatus]:
        for message in messages:
            self._recordings.end(message.target)
        return self._supervisor.stop_all([message.target for message in messages])

    def watch(self, message: protocol.Watch) -> protocol.Done:
        if not _WATCHED.fullmatch(message.name):  # else it could pass for the machine, or for a server
            raise UserError(
                f"a process is not watched as {message.name[:100]!r}, but as {protocol.LOAD!r} or its workers"
            )
        try:
            self._watched = {**self._watched, message.name: ProcessReader(message.pid)}
        except GONE as error:
            raise UserError(f"there is no process {message.pid} to watch") from error
        return protocol.Done()

    def snapshot(self) -> protocol.Snapshot:
        return self._sampler.snapshot()

    def samples(self, after: int) -> protocol.Samples:
        return self._sampler.after(after)

    def metrics(self) -> Text:
        """The newest samples, for Prometheus."""
        families = open_metrics.families_of(self._sampler.newest(), (metric.facts for metric in METRICS))
        return Text(open_metrics.text_of(families), open_metrics.CONTENT_TYPE)

    def prove(self, message: protocol.Prove) -> Proof:
        return prove(self._supervisor.target(message.target), self._root, message.options, message.name)

    def check_clock(self, message: protocol.TryClock) -> ClockCheck:
        return process_clock.check(message.cpus, message.seconds)

    def record(self, message: protocol.Record) -> protocol.Done:
        pids = self._supervisor.pids(message.target)
        self._recordings.begin(message.target, pids, message.seconds, deep=message.deep)
        return protocol.Done()

    def recording(self, target: str) -> protocol.Recording:
        return self._recordings.result(target)

    def end_all(self) -> None:
        """End the servers and recorders, and watch no process any more."""
        self._recordings.close()
        self._supervisor.close()
        self._watched = {}

    def close(self) -> None:
        self._sampler.stop()
        self.end_all()

    def _readers(self) -> dict[str, Reader]:
        return {**self._watched, **self._supervisor.running()}


def routes(agent: Agent) -> Routes:

    def with_body(kind: type[M], handle: Callable[[M], Any]) -> Handler:
        return lambda request: handle(msgspec.json.decode(request.content, type=kind))

    return {
        ("GET", "/machine"): lambda request: agent.machine(request.query.get("address", "")),
        ("GET", "/facts"): lambda _: agent.facts(),
        ("GET", "/targets"): lambda _: agent.statuses(),
        ("GET", "/file"): lambda _: agent.file_state(),
        ("POST", "/warm"): lambda _: agent.warm(),
        ("POST", "/drop"): lambda _: agent.drop(),
        ("GET", "/snapshot"): lambda _: agent.snapshot(),
        ("GET", "/samples"): lambda request: agent.samples(int(request.query.get("after", "0"))),
        METRICS_ROUTE: lambda _: agent.metrics(),
        ("GET", "/recording"): lambda request: agent.recording(request.query.get("target", "")),
        ("POST", "/start"): with_body(protocol.Start, agent.start),
        ("POST", "/start-all"): with_body(list[protocol.Start], agent.start_all),
        ("POST", "/stop"): with_body(protocol.Named, agent.stop),
        ("POST", "/stop-all"): with_body(list[protocol.Named], agent.stop_all),
        ("POST", "/watch"): with_body(protocol.Watch, agent.watch),
        ("POST", "/prove"): with_body(protocol.Prove, agent.prove),
        ("POST", "/clock"): with_body(protocol.TryClock, agent.check_clock),
        ("POST", "/record"): with_body(protocol.Record, agent.record),
    }


def routes_with_lease(agent: Agent, leases: Leases, serve_on: str = "") -> Routes:
    """The same for an agent that listens: every request needs a lease, but for a lease itself and for metrics, which
    change nothing. serve_on: as Access has it.

    It watches no process: the loads that it serves are elsewhere, where they have an agent of their own.
    """

    def acquire(request: AgentRequest) -> protocol.Lease:
        message = msgspec.json.decode(request.content, type=protocol.Ask)
        lease = leases.acquire(printable(message.load[:100]) or request.peer, message.previous)
        address = serve_on or request.local
        agent.serve_on(address)
        return protocol.Lease(lease, LEASE_S / 5, address, request.local)

    def alive(_: AgentRequest) -> protocol.Moment:
        return protocol.Moment(time.monotonic())

    def release(request: AgentRequest) -> protocol.Done:
        leases.release(request.lease)
        return protocol.Done()

    def require_lease(handler: Handler) -> Handler:
        def with_lease(request: AgentRequest) -> Any:
            with leases.held(request.lease):
                return handler(request)

        return with_lease

    others = {**routes(agent), ("GET", "/alive"): alive}
    del others["POST", "/watch"]
    return {
        ("POST", "/lease"): acquire,
        ("POST", "/release"): release,
        **{route: require_lease(handler) for route, handler in others.items()},
        METRICS_ROUTE: others[METRICS_ROUTE],
    }
