"""A load that somebody starts and stops by hand, in the browser or with --headless, kept as a run like any other.

Its rule: nothing is paired, so nothing is concluded: the record says "interactive", and holds one round with a cell per
mode, from the start to the moment at which the users began to stop. What cannot be told apart when several modes run at
once, the load generator's CPU and the whole machine's, is unknown then.
"""

import shlex
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import gevent

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.cell import WindowBoundary, measure
from load.campaign.options import new_name
from load.campaign.settings import Settings, now, run_record
from load.campaign.window_edges import local_boundaries
from load.interactive.idle_servers import IdleServers
from load.users.connection import Sink
from load.users.pacing import PaceSpec, format_pace
from load.workers.samples import merge_worker_samples
from profiles.protocol import LOAD, FileState, Recording, TargetStatus
from profiles.store.records import Cell, Profile, Run, Sample, State
from profiles.store.run_folder import RunFolder

FLUSH_S = 5.0
OF_THE_LOAD = ("client_",)  # of its workers, who are not asked for it in a load by hand
OF_EVERYBODY = ("client_", "machine_")  # metrics that belong to all modes together


class RecordedLoad:
    """One load of these modes, from its making to end(). rate_bytes_per_s: offered to each; None: saturated.
    by_workers: its users are in other processes. reach_agent: options of the command that repeats it. Raises UserError
    where nothing can be recorded."""

    def __init__(
        self,
        agent: AgentClient,
        idle_servers: IdleServers,
        profiles: Path,
        modes: tuple[str, ...],
        users: int,
        sink: Sink,
        rate_bytes_per_s: int | None = None,
        by_workers: bool = False,
        reach_agent: Sequence[str] = (),
    ) -> None:
        self._agent = agent
        self._idle_servers = idle_servers
        self.modes = modes
        self._users = users
        self._sink = sink
        self._rate_bytes_per_s = rate_bytes_per_s
        self._by_workers = by_workers
        self._reach_agent = reach_agent
        self.folder = _fresh_folder(profiles)
        self._statuses = self._running()
        self._began_s = time.monotonic()
        self._seen_samples = agent.newest_sample()
        self._first = self._edges()
        self._last: dict[str, WindowBoundary] | None = None
        self._lost: dict[str, str] = {}
        self._file: FileState | None = None
        self.trouble: str | None = None  # why samples are no longer written
        self._begun = run_record(self._settings(modes), self.folder.path.name, (modes,), {}, idle_servers.facts)
        self.folder.create()
        self.folder.write_run(replace(self._begun, kind="interactive"))
        self._keeper = gevent.spawn(self._flush_loop)

    def close_window(self, users: int) -> None:
        """The users are about to stop, and there are so many of them: what counts, counts until now."""
        if self._last is None:
            self._last = self._edges()
            self._users = users or self._users
            self._lost = dict(self._lost_modes())
            self._file = self._agent.file_state()

    def end(self, state: State = "done") -> Run | None:
        """Write the record; None, and nothing on disk, where not one download was tried."""
        self._keeper.kill()
        self.close_window(self._users)
        cells = list(self._cells())
        if not cells and not self._lost:
            shutil.rmtree(self.folder.path)
            return None
        self._flush()
        for cell in cells:
            self.folder.append_cell(cell)
        record = self._record(tuple(cell.mode for cell in cells), state)
        self.folder.write_run(record)
        return record

    def fail(self, reason: str) -> None:
        """The record of a load whose end could not be measured."""
        self._keeper.kill()
        failed = replace(self._begun, kind="interactive", state="failed", reason=reason, ended_at=now())
        self.folder.write_run(failed)

    def profiled(self, mode: str, first: WindowBoundary, recording: Recording) -> None:
        """Keep a flame graph that was recorded meanwhile. first: where its window began."""
        last = self.edge(mode)
        cell = self._cell(0, 1, mode, (first, last))
        if recording.state == "failed":
            self.folder.append_profile(Profile(cell, None, None, recording.reason))
            return
        self.folder.write_file(f"{mode}.svg", recording.svg.encode())
        self.folder.write_file(f"{mode}.raw", recording.raw.encode())
        self.folder.append_profile(Profile(cell, f"{mode}.svg", f"{mode}.raw"))

    def edge(self, mode: str) -> WindowBoundary:
        (found,) = local_boundaries(self._agent, [self._idle_servers.meter(mode)])
        return found

    def _edges(self) -> dict[str, WindowBoundary]:
        found = local_boundaries(self._agent, [self._idle_servers.meter(mode) for mode in self.modes])
        return dict(zip(self.modes, found, strict=True))

    def _running(self) -> dict[str, TargetStatus]:
        return {status.name: status for status in self._idle_servers.statuses() if status.state == "running"}

    def _lost_modes(self) -> Iterator[tuple[str, str]]:
        """Modes whose server is not the one that it was at the start, and why: no difference of counters is theirs."""
        known = {status.name: status for status in self._idle_servers.statuses()}
        for mode in self.modes:
            status, before = known[mode], self._statuses.get(mode)
            if before is None or status.state != "running":
                yield mode, f"its server did not run to the end: {status.last_stderr_line or 'it left no words'}"
            elif status.pid != before.pid:
                yield mode, "its server was started again during the load"

    def _cells(self) -> Iterator[Cell]:
        assert self._last is not None
        position = 0
        for mode in self.modes:
            tried = self._last[mode].received_bytes > self._first[mode].received_bytes
            if mode not in self._lost and (tried or self._idle_servers.meter(mode).failures):
                position += 1
                yield self._cell(1, position, mode, (self._first[mode], self._last[mode]))

    def _cell(self, number: int, position: int, mode: str, window: tuple[WindowBoundary, WindowBoundary]) -> Cell:
        facts = self._idle_servers.facts.metrics
        started_s = window[0].moment_s - self._began_s
        cell = measure((number, position), mode, started_s, window, self._idle_servers.meter(mode), facts)
        shared = OF_EVERYBODY if len(self.modes) > 1 else OF_THE_LOAD if self._by_workers else ()
        known = {name: None if name.startswith(shared) else value for name, value in cell.metrics.items()}
        return replace(cell, metrics=known | {"resident_share": self._resident_share()})

    def _resident_share(self) -> float | None:
        """Of the file in the page cache, before or after: the less."""
        before = self._idle_servers.facts.file.resident_share_before
        after = self._file.resident_share if self._file else before
        return None if before is None or after is None else min(before, after)

    def _settings(self, modes: tuple[str, ...], seconds: float = 0.0) -> Settings:
        """As those of a campaign of one round; the command is what does the same without a browser."""
        command = ["locust", "-f", "locustfile.py", "--headless", "-u", str(self._users), "-r", str(self._users)]
        command += ["-t", f"{max(1, round(seconds))}s", "--sink", self._sink, *self._reach_agent]
        if self._rate_bytes_per_s is not None:
            command += ["--pace", format_pace(PaceSpec(False, self._rate_bytes_per_s))]
        names = [self._idle_servers.user_class(mode).__name__ for mode in modes]
        return Settings(
            modes=modes,
            named=True,
            rounds=1,
            window_s=round(seconds, 1),
            warm_up_s=0.0,
            profile_s=0,
            users=self._users,
            sink=self._sink,
            seed=0,
            rate=self._rate_bytes_per_s,
            command=shlex.join([*command, *names]),
        )

    def _record(self, modes: tuple[str, ...], state: State) -> Run:
        assert self._last is not None and self._file is not None
        named = modes or self.modes
        settings = self._settings(named, self._last[named[0]].moment_s - self._began_s)
        whole = run_record(settings, self.folder.path.name, (named,), self._lost, self._idle_servers.facts)
        file = replace(whole.file, resident_share_after=self._file.resident_share, changed=self._file.changed)
        known = {status.name: status.congestion_control for status in self._statuses.values()}
        congestion = " and ".join(sorted({known[mode] for mode in named if mode in known})) or None
        return replace(
            whole,
            kind="interactive",
            rate_bytes_per_s=self._rate_bytes_per_s,
            state=state,
            started_at=self._begun.started_at,
            ended_at=now(),
            file=file,
            host=whole.host | {"congestion_control": congestion},
        )

    def _flush_loop(self) -> None:
        try:
            while True:
                gevent.sleep(FLUSH_S)
                self._flush()
        except UserError as error:
            self.trouble = str(error)

    def _flush(self) -> None:
        fresh = self._agent.samples(self._seen_samples)
        self._seen_samples = fresh.last
        shown = {*self.modes, LOAD, "machine", "sampler"}
        self.folder.append_samples(
            Sample(sample.monotonic_s - self._began_s, sample.process, sample.pid, sample.values)
            for sample in merge_worker_samples(fresh.samples)
            if sample.process in shown
        )


def _fresh_folder(profiles: Path) -> RunFolder:
    """Called after the time of day; two within one second are told apart."""
    name = f"live_{new_name()}"
    for path in (profiles / name, *(profiles / f"{name}_{number}" for number in range(2, 100))):
        if not path.exists():
            return RunFolder(path)
    raise UserError(f"there are a hundred runs {name!r} in {profiles}: move some of them away")
