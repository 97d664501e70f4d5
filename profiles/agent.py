"""The agent: runs beside the servers; starts and stops targets, samples them, records flame graphs.

    python -m profiles.agent --root data      prints "ready agent PORT", answers what profiles/protocol.py lists

Its rule: one thread answers requests, in order, and nothing it does there takes long; the sampler has a thread of its
own. It ends when its standard input ends, and its servers with it: whoever started it holds the other end of that pipe.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from errors import EXIT_DONE, CommandParser, UserError, run_command
from profiles import code, host, page_cache, targets
from profiles.agent_http import AgentServer, Deed
from profiles.doctor import features
from profiles.metrics import METRICS, ProcessReader
from profiles.proof import prove
from profiles.protocol import (
    TOKEN_VARIABLE,
    Done,
    Fact,
    Facts,
    FileState,
    Prove,
    Record,
    Recording,
    Samples,
    Snapshot,
    Start,
    Stop,
    TargetStatus,
    Watch,
)
from profiles.recordings import Recordings
from profiles.records import Proof
from profiles.sampler import INTERVAL_S, Sampler
from profiles.supervisor import Supervisor

SERVED_FILE = "test-file.bin"

M = TypeVar("M")


class Agent:
    """What the agent can do; one method per message of profiles/protocol.py. All raise UserError."""

    def __init__(self, root: Path, interval_s: float = INTERVAL_S) -> None:
        self._root = root
        self._interval_s = interval_s
        self._targets = targets.discover()
        self._supervisor = Supervisor(self._targets, root)
        self._file_identity: host.Identity = None
        self._watched: dict[str, ProcessReader] = {}
        self._recordings = Recordings()
        self._sampler = Sampler(self._readers, interval_s)
        self._sampler.start()

    def facts(self) -> Facts:
        self._file_identity = host.identity_of(self._root / SERVED_FILE)
        return Facts(
            targets=tuple(target.facts for target in self._targets.values()),
            metrics=tuple(metric.facts for metric in METRICS),
            file=host.file_facts(self._root / SERVED_FILE),
            sample_interval_s=self._interval_s,
            host=host.host_facts() | self._tried,
            software=host.software_facts(targets.PROJECT),
            code=code.read(targets.PROJECT),
        )

    @cached_property
    def _tried(self) -> dict[str, Fact]:
        """What the machine has. Trying takes a second, and a sweep asks for the facts of file after file."""
        return {f"{feature.name} (tried)": str(feature) for feature in features()}

    def file_state(self) -> FileState:
        path = self._root / SERVED_FILE
        return FileState(page_cache.resident_share_of(path), host.identity_of(path) != self._file_identity)

    def drop(self) -> FileState:
        """Throw the served file out of the page cache; what is left of it there."""
        page_cache.drop(self._root / SERVED_FILE)
        return self.file_state()

    def statuses(self) -> list[TargetStatus]:
        return [self._supervisor.status(name) for name in self._targets]

    def start(self, message: Start) -> TargetStatus:
        status = self._supervisor.start(message)
        if message.profiler == "perf":
            self._recordings.attach(message.target, status.pid)
        return status

    def stop(self, message: Stop) -> TargetStatus:
        self._recordings.end(message.target)
        return self._supervisor.stop(message.target)

    def watch(self, message: Watch) -> Done:
        try:
            self._watched = {**self._watched, message.name: ProcessReader(message.pid)}
        except psutil.NoSuchProcess as error:
            raise UserError(f"there is no process {message.pid} to watch") from error
        return Done()

    def snapshot(self) -> Snapshot:
        return self._sampler.snapshot()

    def samples(self, after: int) -> Samples:
        return self._sampler.after(after)

    def prove(self, message: Prove) -> Proof:
        if message.target not in self._targets:
            raise UserError(f"there is no target {message.target!r}: the targets are {', '.join(self._targets)}")
        return prove(self._targets[message.target], self._root)

    def record(self, message: Record) -> Done:
        status = self._supervisor.status(message.target)
        if status.state != "running":
            raise UserError(f"{message.target} is {status.state}: start it before recording a flame graph")
        self._recordings.begin(message.target, status.pid, message.seconds)
        return Done()

    def recording(self, target: str) -> Recording:
        return self._recordings.result(target)

    def close(self) -> None:
        """End the servers and recorders."""
        self._sampler.stop()
        self._recordings.close()
        self._supervisor.stop_all()

    def _readers(self) -> dict[str, ProcessReader]:
        return {**self._watched, **self._supervisor.running()}


def routes(agent: Agent) -> dict[tuple[str, str], Deed]:
    """Method and path to what answers them, from the body and the query."""

    def body(kind: type[M], deed: Callable[[M], Any]) -> Deed:
        return lambda content, _: deed(msgspec.json.decode(content, type=kind))

    return {
        ("GET", "/facts"): lambda *_: agent.facts(),
        ("GET", "/targets"): lambda *_: agent.statuses(),
        ("GET", "/file"): lambda *_: agent.file_state(),
        ("POST", "/drop"): lambda *_: agent.drop(),
        ("GET", "/snapshot"): lambda *_: agent.snapshot(),
        ("GET", "/samples"): lambda _, query: agent.samples(int(query.get("after", "0"))),
        ("GET", "/recording"): lambda _, query: agent.recording(query.get("target", "")),
        ("POST", "/start"): body(Start, agent.start),
        ("POST", "/stop"): body(Stop, agent.stop),
        ("POST", "/watch"): body(Watch, agent.watch),
        ("POST", "/prove"): body(Prove, agent.prove),
        ("POST", "/record"): body(Record, agent.record),
    }


def main(argv: Sequence[str] | None = None) -> int:
    parser = CommandParser(prog="python -m profiles.agent", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("data"), help="directory to serve (default: %(default)s)")
    arguments = parser.parse_args(argv)
    token = os.environ.pop(TOKEN_VARIABLE, "")  # popped: the servers have no business with it
    if not token:
        raise UserError(
            f"the agent needs a token in the variable {TOKEN_VARIABLE}; `make load` and `make ui` give it one"
        )
    agent = Agent(arguments.root.resolve())
    server = AgentServer(token, routes(agent))

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()  # shutdown() waits for serve_forever() to notice

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    print(f"ready agent {server.server_port}", flush=True)
    try:
        server.serve_forever(poll_interval=0.25)
    finally:
        server.server_close()
        agent.close()
    return EXIT_DONE


def _wait_for_end_of_input(then: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    then()


if __name__ == "__main__":
    run_command(main)
