"""One round: fresh servers of all modes side by side, users that wait at gates, and mirrored slices.

Its rule: a slice begins and ends with nothing in flight, and only then are the counters read (docs/method.md §2). So
bytes are exact, no cycle is cut, nothing is interpolated, and no two clocks need agree.
"""

import math
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import gevent

from errors import UserError
from load.campaign.cell import Tally, Window, smaller_share
from load.campaign.serving import Classes, Serving
from load.campaign.settings import Settings
from profiles.protocol import LOAD, Facts, Snapshot
from profiles.store.records import Cell, Slice, Void

SETTLE_S = 0.004  # after the last byte a server still returns from its call and waits for the next request
WARM_UP_TIMEOUT_S = 300.0
SLICE_TIMEOUT_S = 30.0  # beyond MOST_SLOWER times what the warm-up took
MOST_SLOWER = 20
COUNTED_CYCLES = 4  # of a warm-up that tells how many cycles a slice needs; fewer where they are long
TIMED_OUT = "its users were not back from a slice in time"
LEAST_ROUNDS = 10


@dataclass(slots=True)
class RoundResult:
    """What one round gave. sweeps: how many mirrored sweeps it had."""

    cells: list[Cell] = field(default_factory=list)
    slices: list[Slice] = field(default_factory=list)
    voids: list[Void] = field(default_factory=list)
    sweeps: int = 0


class RoundRunner:
    """sweeps: of each round; 0: the next round decides, and all that follow have as many. measuring: the mode that is
    measured, or was last."""

    def __init__(self, serving: Serving, settings: Settings, facts: Facts) -> None:
        self.sweeps = 0
        self.measuring = settings.modes[0]
        self._cycles: dict[str, int] = {}
        self._serving = serving
        self._settings = settings
        self._facts = facts

    def run(self, number: int, order: tuple[str, ...], users: int | None = None, sweeps: int = 0) -> RoundResult:
        """One round of these modes, in this order in its first sweep. users, sweeps: other than the campaign's, for
        rounds that are not scored. Raises UserError; PeerLostError voids the round."""
        began_s = time.monotonic()
        settings, serving = self._settings, self._serving
        resident = None if settings.cache == "cold" else serving.agent.warm().resident_share
        with serving.served(order) as classes, serving.loaded(classes, users or settings.users):
            slices = _Slices(serving, settings, self._facts, number, classes, users or settings.users)
            started_s = time.monotonic() - began_s
            slices.warm_up({} if users else self._cycles)
            if number:
                self._cycles = slices.cycles
            if not (sweeps or self.sweeps) and slices.sweep_s:
                self.sweeps = self._fitting_sweeps(slices, started_s + slices.warm_up_s)
            for one in mirrored(order, sweeps or self.sweeps, f"{settings.seed} {number}"):
                self.measuring = one
                slices.take(one)
            result = slices.result(order)
        if settings.cache == "warm":
            resident = smaller_share(resident, serving.agent.file_state().resident_share)
        for index, cell in enumerate(result.cells):
            around = {"resident_share": slices.resident.get(cell.mode, resident)}
            around["cpu_probe_us"] = serving.cpu_probes_us[cell.mode]
            result.cells[index] = replace(cell, metrics=cell.metrics | around)
        result.sweeps = sweeps or self.sweeps
        return result

    def _fitting_sweeps(self, slices: "_Slices", started_s: float) -> int:
        """So many that every mode is measured for window_s, or else as fit into round_s; where time is short, into a
        share of it that leaves rounds enough for an interval. started_s: what the servers' start and a warm-up take.
        Raises UserError where one round is longer than may be."""
        settings, most_s = self._settings, self._settings.seconds or math.inf
        least = math.ceil(settings.window_s / (2 * slices.slice_s)) if settings.window_s else 1
        round_s = started_s + least * slices.sweep_s
        if round_s > most_s:
            raise UserError(
                f"SECONDS={most_s:g} is too short for one round of {len(settings.measured_modes)} modes, "
                f"which takes {round_s:.1f} s here: give SECONDS={math.ceil(round_s)} or more"
            )
        if settings.window_s:
            return least
        return max(least, math.floor((min(settings.round_s, most_s / LEAST_ROUNDS) - started_s) / slices.sweep_s))


def mirrored(order: tuple[str, ...], sweeps: int, seed: str) -> Iterator[str]:
    """A B C C B A, again and again: the first sweep in this order, the others in orders drawn by the seed."""
    chance = random.Random(seed)
    for number in range(sweeps):
        names = list(order) if number == 0 else chance.sample(order, len(order))
        yield from names
        yield from reversed(names)


class _Slices:
    """The slices of one round. cycles: of a slice, by mode. slice_s: about how long the shortest takes; sweep_s: one
    mirrored sweep; warm_up_s: one cycle of each mode; all known after the warm-up. resident: by mode, the share of the
    file that was in the page cache before a slice, where it was dropped in this round: of a cold mode the largest, of a
    warm one the smallest."""

    def __init__(
        self, serving: Serving, settings: Settings, facts: Facts, number: int, classes: Classes, users: int
    ) -> None:
        self._serving = serving
        self._settings = settings
        self._round = number
        self._classes = classes
        self._users = users
        self._tallies = {name: Tally(name, facts.metrics) for name in classes}
        shared = {target.name: target.process for target in facts.targets}
        self._processes = {name: shared.get(settings.mode_of(name)) or name for name in classes}
        self._late_s = dict.fromkeys(classes, 0.0)
        self.resident: dict[str, float | None] = {}
        self.cycles = dict.fromkeys(classes, 1)
        self._timeouts_s = dict.fromkeys(classes, WARM_UP_TIMEOUT_S)
        self._timed_out: set[str] = set()
        self._before: Snapshot | None = None
        self._result = RoundResult()
        self._started_s: dict[str, float] = {}
        self.slice_s = math.inf
        self.sweep_s = 0.0
        self.warm_up_s = 0.0

    def warm_up(self, known: Mapping[str, int]) -> None:
        """Whole cycles of each mode, at least one. They tell how many a slice needs, unless that is known."""
        settings, rate = self._settings, self._serving.rate_bytes_per_s
        for name, user_class in self._classes.items():
            cycle_s = self._warm_up_one(name, name in known)
            if cycle_s is None:
                continue
            if rate is not None:
                cycle_s = self._users * (user_class.expected_bytes or 0) / rate
            if name in known:
                self.cycles[name] = known[name]
            elif not settings.is_cold(name):
                self.cycles[name] = max(1, math.ceil(settings.least_slice_s / max(cycle_s, 1e-6)))
            slice_s = self.cycles[name] * cycle_s
            self._timeouts_s[name] = MOST_SLOWER * slice_s + SLICE_TIMEOUT_S
            self.slice_s = min(self.slice_s, slice_s)
            self.sweep_s += 2 * (slice_s + 3 * SETTLE_S)
            self.warm_up_s += max(cycle_s, settings.warm_up_s)
        self._serving.pool.reset()

    def _warm_up_one(self, name: str, once: bool) -> float | None:
        """Seconds that one cycle takes, dropping the file included: the shortest of all; None where it never ended. The
        first ones are slower than the others, so where a slice needs several, some are made before they are counted."""
        settings, began_s = self._settings, time.monotonic()
        counts_cycles = not once and not settings.is_cold(name) and self._serving.rate_bytes_per_s is None
        cycles_s: list[float] = []
        while True:
            dropping_s = self._place_file(name)
            counts = self._serving.pool.run_slice(name, 1, WARM_UP_TIMEOUT_S)
            if counts.timed_out:
                self._void(name, f"its users were not back from their first downloads within {WARM_UP_TIMEOUT_S:g} s")
                return None
            cycles_s.append(dropping_s + counts.wall_s)
            warm_s = time.monotonic() - began_s
            counted = len(cycles_s) >= COUNTED_CYCLES or warm_s >= 2 * settings.least_slice_s
            if warm_s >= settings.warm_up_s and (counted or not counts_cycles):
                return min(cycles_s)

    def take(self, name: str) -> None:
        """One slice. A mode whose server has ended, or whose users never came back, is passed over."""
        if name in self._timed_out or any(void.mode == name for void in self._result.voids):
            return
        agent, pool = self._serving.agent, self._serving.pool
        self._place_file(name)
        before = self._before or agent.read()
        started_s = time.monotonic() - self._serving.samples.began_s
        counts = pool.run_slice(name, self.cycles[name], self._timeouts_s[name])
        gevent.sleep(SETTLE_S)
        self._before = after = agent.read()
        window = Window(before, after, counts)
        self._late_s[name] += counts.late_s
        if counts.timed_out:
            self._timed_out.add(name)
        if name not in after.processes:
            self._void(name, f"its server ended in the middle of a slice: {self._serving.last_words(name)}")
            return
        self._tallies[name].add(window)
        self._started_s.setdefault(name, started_s)
        for other, tally in self._tallies.items():
            if self._processes[other] != self._processes[name]:
                tally.add_idle(window)
        self._result.slices.append(self._record(name, started_s, window))
        agent.check()
        pool.check()

    def result(self, order: tuple[str, ...]) -> RoundResult:
        """order: of the round's first sweep, for the positions of its cells."""
        void = {one.mode for one in self._result.voids}
        meters = self._serving.pool.meters()
        for position, name in enumerate(order, 1):
            if name in self._timed_out:
                meters[name].add_failure(TIMED_OUT)
            if name in self._started_s and name not in void:
                cell = self._tallies[name].cell((self._round, position), self._started_s[name], meters[name])
                self._result.cells.append(replace(cell, offered_bytes=self._offered_bytes(name, cell)))
        self._result.slices = [one for one in self._result.slices if one.mode not in void]
        return self._result

    def _void(self, name: str, why: str) -> None:
        self._result.voids.append(Void(self._round, name, why))

    def _place_file(self, name: str) -> float:
        """Have the file where this mode is to read it from; the seconds that it took."""
        began_s, agent, is_cold = time.monotonic(), self._serving.agent, self._settings.is_cold(name)
        if self._settings.cache == "warm":
            return 0.0
        share = (agent.drop() if is_cold else agent.warm()).resident_share
        known = self.resident.get(name, share)
        self.resident[name] = None if share is None or known is None else (max if is_cold else min)(share, known)
        self._before = None  # it took the agent's CPU time
        return time.monotonic() - began_s

    def _offered_bytes(self, name: str, cell: Cell) -> int | None:
        """What should have arrived: what did, and as much as was to start while the last downloads were late."""
        rate = self._serving.rate_bytes_per_s
        if rate is None:
            return None
        size = self._classes[name].expected_bytes or 0
        return cell.slices * self.cycles[name] * self._users * size + round(rate * self._late_s[name])

    def _record(self, name: str, started_s: float, window: Window) -> Slice:
        return Slice(
            round=self._round,
            number=len(self._result.slices) + 1,
            mode=name,
            started_s=started_s,
            wall_s=window.counts.wall_s,
            span_s=window.span_s,
            cycles=self.cycles[name],
            received_bytes=window.counts.received_bytes,
            failures=window.counts.failures + window.counts.timed_out,
            server_cpu_s=window.difference(name, "cpu_s"),
            client_cpu_s=window.difference(LOAD, "cpu_s"),
            steal_s=window.difference("machine", "steal_s"),
        )
