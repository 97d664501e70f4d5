"""A load that somebody starts and stops by hand, in a browser or with --headless, saved as a run like any other.

Its rule: nothing is paired, so nothing is concluded. The record says "interactive" and holds one round with a cell per
mode, from the start to the moment at which users began to stop. When several modes run at once, the CPU of the load
generator and of the whole machine cannot be attributed to one of them, so it is unknown.
"""

import itertools
import shutil
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gevent

from errors import UserError
from load.campaign.cell import Edge, cell_between, smaller_share
from load.campaign.options import new_name
from load.campaign.recordings import SampleLog, save_flame_graph, save_stacks
from load.campaign.settings import Settings, after, now, run_record
from load.interactive.idle_servers import IdleServers
from load.interactive.repeating_command import repeating_command
from load.interactive.server_costs import ServerCosts
from load.interactive.user_counts import CountedUsers, Counts
from load.users.connection import Sink
from profiles.protocol import LOAD, FileState, Recording
from profiles.store.records import Cell, DeepProfile, Run, UserCount
from profiles.store.run_folder import RunFolder
from profiles.targets.variants import parse_all

FLUSH_S = 5.0
OF_WORKERS = ("client_",)  # metrics of the load generator; a load by hand does not ask its workers for them
OF_ALL_MODES = ("client_", "machine_")  # metrics that several modes share


@dataclass(frozen=True, slots=True)
class ManualLoad:
    """What was asked for. users: of all classes. options: Locust's. rate_bytes_per_s: offered to each mode; None for
    saturated. in_workers: whether its users are in other processes. own_classes: names of the user classes beside ours.
    shape: the name of the LoadTestShape that sets the number of users; None without one."""

    modes: tuple[str, ...]
    users: int
    sink: Sink
    options: Namespace
    rate_bytes_per_s: int | None = None
    in_workers: bool = False
    own_classes: tuple[str, ...] = ()
    shape: str | None = None


class RecordedLoad:
    """One load, from the making of this object to end(). count: of running users, by class name. trouble: why samples
    are no longer written. costs: what the servers paid, once it has ended. Raises UserError where nothing can be
    recorded."""

    def __init__(
        self, idle_servers: IdleServers, runs_folder: Path, asked: ManualLoad, count: Callable[[], Counts]
    ) -> None:
        self._agent = idle_servers.agent
        self._idle_servers = idle_servers
        self._asked = asked
        self.modes = asked.modes
        self.folder = _new_folder(runs_folder)
        self._statuses = {one.name: one for one in idle_servers.statuses() if one.state == "running"}
        self._samples = SampleLog(self._agent, self.folder)
        self._first = self._edges(self.modes)
        self._last: dict[str, Edge] | None = None
        self._lost: dict[str, str] = {}
        self._file: FileState | None = None
        self.trouble: str | None = None
        self.costs: ServerCosts | None = None
        self._users = CountedUsers(count)
        self._user_counts: dict[str, UserCount] = {}
        self._begun = replace(self._new_record(self._settings(asked.modes), {}), kind="interactive")
        self.folder.create()
        self.folder.write_run(self._begun)
        self._users.start()
        self._flusher = gevent.spawn(self._flush_loop)

    def close_window(self) -> None:
        """The window ends now, because users are about to stop."""
        if self._last is None:
            counted = self._users.end()
            self._last = self._edges(self.modes)
            named = {mode: self._idle_servers.user_class(mode).__name__ for mode in self.modes}
            self._user_counts = {mode: counted[name] for mode, name in named.items() if name in counted}
            self._lost = dict(self._lost_modes())
            self._file = self._agent.file_state()

    def end(self) -> Run | None:
        """Write the record; None, and nothing on disk, where no download was tried."""
        self._flusher.kill()
        try:
            return self._end()
        except UserError as error:
            self.folder.write_run(replace(self._begun, state="failed", reason=str(error), ended_at=now()))
            raise

    def _end(self) -> Run | None:
        self.close_window()
        cells = list(self._cells())
        self.costs = ServerCosts(self.modes, {cell.mode: cell for cell in cells}, self._lost)
        if not cells and not self._lost:
            shutil.rmtree(self.folder.path)
            return None
        self._flush()
        for cell in cells:
            self.folder.append(cell)
        record = self._record(tuple(cell.mode for cell in cells))
        self.folder.write_run(record)
        return record

    def profiled(self, mode: str, first: Edge, recording: Recording) -> None:
        """Save a flame graph that was recorded meanwhile. first: where its window began."""
        cell = self._cell((0, 1), mode, (first, self.edge(mode)))
        self.folder.append(save_flame_graph(self.folder, cell, recording))

    def profiled_deeply(self, mode: str, edges: tuple[Edge, Edge], recording: Recording) -> DeepProfile:
        """Save what perf recorded meanwhile. edges: of its window."""
        profile = save_stacks(self.folder, mode, self._cell((0, 1), mode, edges), recording)
        self.folder.append(profile)
        return profile

    def edge(self, mode: str) -> Edge:
        return self._edges((mode,))[mode]

    def _edges(self, modes: tuple[str, ...]) -> dict[str, Edge]:
        snapshot, meters = self._agent.read(), {mode: self._idle_servers.meter(mode) for mode in modes}
        moment_s = time.monotonic()
        return {mode: Edge(snapshot, moment_s, meter.received_bytes, meter.downloads) for mode, meter in meters.items()}

    def _lost_modes(self) -> Iterator[tuple[str, str]]:
        """Modes whose server is not the same as at the start, and why: their counters have no difference."""
        known = {status.name: status for status in self._idle_servers.statuses()}
        for mode in self.modes:
            status, before = known[mode], self._statuses.get(mode)
            if before is None or status.state != "running":
                why = status.last_stderr_line or "it wrote no error message"
                yield mode, f"its server did not run to the end: {why}"
            elif status.pid != before.pid:
                yield mode, "its server was started again during the load"

    def _cells(self) -> Iterator[Cell]:
        assert self._last is not None
        positions = itertools.count(1)
        for mode in self.modes:
            first, last = self._first[mode], self._last[mode]
            tried = last.received_bytes > first.received_bytes or self._idle_servers.meter(mode).failures
            if tried and mode not in self._lost:
                yield self._cell((1, next(positions)), mode, (first, last))

    def _cell(self, position: tuple[int, int], mode: str, edges: tuple[Edge, Edge]) -> Cell:
        facts, meter = self._idle_servers.facts.metrics, self._idle_servers.meter(mode)
        cell = cell_between(edges, mode, position, self._samples.began_s, meter, facts)
        several = len(self.modes) > 1 or self._asked.own_classes
        shared = OF_ALL_MODES if several else OF_WORKERS if self._asked.in_workers else ()
        known = {name: None if name.startswith(shared) else value for name, value in cell.metrics.items()}
        before = self._idle_servers.facts.file.resident_share_before
        share = smaller_share(before, self._file.resident_share if self._file else before)
        return replace(cell, metrics=known | {"resident_share": share})

    def _settings(self, modes: tuple[str, ...], seconds: float = 0.0) -> Settings:
        """Those of a campaign of one round. The command does the same without a browser."""
        asked = self._asked
        most = max(asked.users, self._users.most)
        command = repeating_command(asked.options, most, seconds, asked.rate_bytes_per_s, asked.shape)
        names = [*(self._idle_servers.user_class(mode).__name__ for mode in modes), *asked.own_classes]
        return Settings(
            modes=modes,
            variants=parse_all(modes),
            rounds=1,
            window_s=round(seconds, 1),
            users=sum(count.most for count in self._user_counts.values()) or asked.users,
            sink=asked.sink,
            rate=asked.rate_bytes_per_s,
            command=f"{command} {' '.join(names)}",
        )

    def _record(self, modes: tuple[str, ...]) -> Run:
        assert self._last is not None and self._file is not None
        named = modes or self.modes
        settings = self._settings(named, self._last[named[0]].moment_s - self._samples.began_s)
        whole = self._new_record(settings, self._lost)
        file = after(whole.file, self._file)
        known = {status.name: status.congestion_control for status in self._statuses.values()}
        congestion = " and ".join(sorted({known[mode] for mode in named if mode in known})) or None
        return replace(
            whole,
            kind="interactive",
            rate_bytes_per_s=self._asked.rate_bytes_per_s,
            user_counts=self._user_counts,
            shape=self._asked.shape,
            state="done",
            started_at=self._begun.started_at,
            ended_at=now(),
            file=file,
            host=whole.host | {"congestion_control": congestion},
        )

    def _new_record(self, settings: Settings, lost: dict[str, str]) -> Run:
        record = run_record(settings, self.folder.path.name, lost, self._idle_servers.facts, (settings.modes,))
        return replace(record, slice_s=None)

    def _flush_loop(self) -> None:
        try:
            while True:
                gevent.sleep(FLUSH_S)
                self._flush()
        except UserError as error:
            self.trouble = str(error)

    def _flush(self) -> None:
        self._samples.write({*self.modes, LOAD, "machine", "sampler"})


def _new_folder(runs_folder: Path) -> RunFolder:
    """Named after the time of day; a number follows where several begin within one second."""
    name = f"live_{new_name()}"
    for path in (runs_folder / name, *(runs_folder / f"{name}_{number}" for number in range(2, 100))):
        if not path.exists():
            return RunFolder(path)
    raise UserError(f"there are a hundred runs {name!r} in {runs_folder}: move some of them away")
