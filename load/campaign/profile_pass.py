"""Flame graphs: each mode under the same load with a profiler attached, never scored (docs/method.md §1).

Its rule: a machine without perf, or without the right to use it, says so once and goes on with py-spy alone.
"""

import contextlib
import time
from collections.abc import Iterator

import gevent

from load.campaign.cell import Edge, cell_between
from load.campaign.recordings import save_flame_graph, save_stacks, wait_for_recording
from load.campaign.serving import Serving
from load.campaign.settings import Settings
from profiles.protocol import Facts, Profiler
from profiles.store.records import Cell, DeepProfile, Profile
from profiles.store.run_folder import RunFolder

LOSS_POLL_S = 0.5


class ProfilePass:
    """Writes the records of each mode when they are complete. cells: what was measured meanwhile."""

    def __init__(self, serving: Serving, settings: Settings, folder: RunFolder, facts: Facts) -> None:
        self._serving = serving
        self._agent = serving.agent
        self._settings = settings
        self._folder = folder
        self._facts = facts
        self._tried: list[DeepProfile] = []
        self._open: DeepProfile | None = None
        self.cells: list[Cell] = []

    def run(self, position: int, mode: str) -> None:
        """Record a mode with py-spy, then with perf, unless that was refused, or showed nothing of two modes."""
        self._folder.append(self._py_spy(position, mode))
        self.finish()
        if not perf_unavailable(self._tried):
            self._open = self._perf(position, mode)

    def finish(self) -> None:
        """Fetch what perf recorded last: it takes a second to end, most of it waiting, and the next mode goes on."""
        if self._open is not None:
            deep, self._open = self._open, None
            if deep.cell:
                recording = wait_for_recording(self._agent, deep.mode, 0.0)
                deep = save_stacks(self._folder, deep.mode, deep.cell, recording)
            self._tried.append(deep)
            self._folder.append(self._tried[-1])

    def _py_spy(self, position: int, mode: str) -> Profile:
        with self._loaded(mode, "py-spy"):
            self._agent.record(mode, self._settings.profile_s)
            cell = self._watched(position, mode)
            recording = wait_for_recording(self._agent, mode, 0.0)
        return save_flame_graph(self._folder, cell, recording)

    def _perf(self, position: int, mode: str) -> DeepProfile:
        """Counted, and to be fetched; or without a cell, where perf was refused. It is attached before there are
        connections. Its Python frames may come from the py-spy pass just before (profilers/folded_stacks.py)."""
        with self._loaded(mode, "perf"):
            self._agent.record(mode, self._settings.profile_s)
            refused = self._agent.recording(mode)
            if refused.state == "failed":
                return DeepProfile(mode, None, None, reason=refused.reason)
            cell = self._watched(position, mode)
            self._agent.recording(mode)  # it is over: perf stops counting
        return DeepProfile(mode, cell, None)

    @contextlib.contextmanager
    def _loaded(self, mode: str, profiler: Profiler) -> Iterator[None]:
        """A fresh server under the load of users that never wait."""
        serving, users = self._serving, self._settings.users
        with serving.served((mode,), profiler) as classes, serving.loaded(classes, users, gated=False):
            gevent.sleep(self._settings.warm_up_s)
            yield

    def _watched(self, position: int, mode: str) -> Cell:
        self._serving.pool.reset()
        first, ends_s = self._edge(), time.monotonic() + self._settings.profile_s
        while (left_s := ends_s - time.monotonic()) > 0:
            gevent.sleep(min(left_s, LOSS_POLL_S))
            self._agent.check()
            self._serving.pool.check()
        edges, meter = (first, self._edge()), self._serving.pool.meters()[mode]
        began_s, metrics = self._serving.samples.began_s, self._facts.metrics
        self.cells.append(cell_between(edges, mode, (0, position), began_s, meter, metrics))
        return self.cells[-1]

    def _edge(self) -> Edge:
        snapshot = self._agent.read()
        counts = self._serving.pool.counts()
        return Edge(snapshot, time.monotonic(), counts.received_bytes, counts.downloads)


def perf_unavailable(tried: list[DeepProfile]) -> bool:
    """Whether perf was refused, or showed nothing of the first two modes: then it will not work for the others."""
    return any(one.cell is None for one in tried) or (len(tried) > 1 and not any(one.folded for one in tried))
