"""A round: mirrored slices, as many as fit, and what becomes of a mode whose server or users are lost in one."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from errors import UserError
from load.campaign import round_runner as tested
from load.campaign.round_runner import TIMED_OUT, RoundResult, RoundRunner, mirrored
from load.campaign.settings import Settings
from load.users.meter import Meter
from load.users.slice_counts import SliceCounts
from profiles.metrics.process import METRICS
from profiles.protocol import FileState, Snapshot
from profiles.store.records import Void
from profiles.targets.variants import parse_all
from units import MIB

MODES = ("read-send", "sendfile", "splice")
FACTS = SimpleNamespace(metrics=tuple(metric.facts for metric in METRICS), targets=())
SETTINGS = Settings(
    MODES, parse_all(MODES), rounds=9, users=2, sink="discard", command="make load", slice_s=0.15, seed=7
)
CYCLE_S = 0.05


class World:
    """Servers and users whose time and counters are a script's. cycles_s: how long a cycle of each mode takes, call by
    call; the last one stays. died: the slice of a mode, from 0 for its warm-up, in which its server dies. stuck: modes
    whose users never come back, from this slice on."""

    def __init__(self, **cycles_s: Sequence[float]) -> None:
        self.now_s = 1000.0
        self.cycles_s = {name: list(cycles_s.get(name.replace("-", "_"), [CYCLE_S])) for name in MODES}
        self.slices: list[tuple[str, int]] = []
        self.died: dict[str, int] = {}
        self.stuck: dict[str, int] = {}
        self.late_s = 0.0
        self.alive = set(MODES)
        self.dropped = 0
        self.read_warm: list[tuple[str, bool]] = []
        self.meter = {name: Meter() for name in MODES}
        # As Serving has them:
        self.agent = self.pool = self
        self.samples = SimpleNamespace(began_s=self.now_s)
        self.rate_bytes_per_s: int | None = None
        self.cpu_probes_us = dict.fromkeys(MODES, 600.0)

    @contextlib.contextmanager
    def served(self, names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        self.now_s += 0.5
        yield {name: SimpleNamespace(expected_bytes=MIB) for name in names}

    def loaded(self, classes: Mapping[str, Any], users: int) -> Any:
        self.users = users
        return contextlib.nullcontext()

    def last_words(self, name: str) -> str:
        return f"{name} is out of luck"

    def warm(self) -> FileState:
        self.is_warm = True
        return FileState(1.0, False)

    file_state = warm

    def drop(self) -> FileState:
        self.is_warm = False
        self.dropped += 1
        self.now_s += 0.01
        return FileState(0.0, False)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def check(self) -> None: ...

    def reset(self) -> None:
        self.warmed_up = len(self.slices)
        for meter in self.meter.values():
            meter.reset()

    def meters(self) -> dict[str, Meter]:
        return self.meter

    def run_slice(self, name: str, cycles: int, within_s: float) -> SliceCounts:
        number = sum(name == before for before, _ in self.slices)
        self.slices.append((name, cycles))
        self.read_warm.append((name, self.is_warm))
        if number >= self.stuck.get(name, 99):
            self.now_s += within_s
            return SliceCounts(within_s, MIB, 1, timed_out=True)
        if number == self.died.get(name):
            self.alive.remove(name)
        cycle_s = self.cycles_s[name].pop(0) if len(self.cycles_s[name]) > 1 else self.cycles_s[name][0]
        self.now_s += cycles * cycle_s
        downloads = cycles * self.users
        return SliceCounts(cycles * cycle_s, downloads * MIB, downloads, late_s=self.late_s)

    def read(self) -> Snapshot:
        values = {metric.facts.name: self.now_s for metric in METRICS}
        processes: dict[str, dict[str, float | None]] = {name: dict(values) for name in (*sorted(self.alive), "load")}
        machine = dict.fromkeys(("user_s", "system_s", "steal_s", "swapped_bytes", "throttled_s"), self.now_s)
        return Snapshot(self.now_s, processes | {"machine": dict(machine)})

    @property
    def measured(self) -> list[tuple[str, int]]:
        return self.slices[self.warmed_up :]


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[World]]:
    """The world whose clock is read."""
    worlds: list[World] = []
    monkeypatch.setattr(tested, "time", SimpleNamespace(monotonic=lambda: worlds[-1].now_s))
    monkeypatch.setattr(tested, "gevent", SimpleNamespace(sleep=lambda seconds: worlds[-1].sleep(seconds)))
    yield worlds


def run(
    ticking: list[World],
    world: World,
    order: tuple[str, ...] = MODES,
    sweeps: int = 0,
    facts: SimpleNamespace = FACTS,
    **changes: Any,
) -> RoundResult:
    ticking.append(world)
    runner = RoundRunner(world, replace(SETTINGS, **changes), facts)  # type: ignore[arg-type]
    return runner.run(1, order, sweeps=sweeps)


def test_slices_are_mirrored_in_each_sweep_and_the_seed_draws_the_order_of_all_but_the_first() -> None:
    order = ("C", "A", "B")
    names = list(mirrored(order, 4, "7 1"))
    sweeps = [names[start : start + 6] for start in range(0, 24, 6)]
    assert sweeps[0] == ["C", "A", "B", "B", "A", "C"]
    assert all(sorted(sweep[:3]) == ["A", "B", "C"] and sweep[3:] == sweep[2::-1] for sweep in sweeps)
    assert len({tuple(sweep) for sweep in sweeps}) > 1
    assert names == list(mirrored(order, 4, "7 1")) != list(mirrored(order, 4, "7 2"))


def test_a_cell_is_the_sum_of_its_slices(ticking: list[World]) -> None:
    world = World()
    result = run(ticking, world, sweeps=2)
    assert [name for name, _ in world.measured][:6] == [*MODES, *reversed(MODES)]
    assert set(world.measured) == {(name, 3) for name in MODES}, "three cycles of 50 ms last 150 ms"
    assert [cell.mode for cell in result.cells] == list(MODES) and result.sweeps == 2
    assert [one.number for one in result.slices] == list(range(1, 13))
    for position, cell in enumerate(result.cells, 1):
        own = [one for one in result.slices if one.mode == cell.mode]
        assert (cell.round, cell.position, cell.slices) == (1, position, 4)
        assert cell.received_bytes == sum(one.received_bytes for one in own) == 4 * 3 * 2 * MIB
        assert cell.wall_s == pytest.approx(sum(one.wall_s for one in own)) == pytest.approx(0.6)
        assert cell.span_s == pytest.approx(sum(one.span_s for one in own))
        assert cell.started_s == own[0].started_s
        assert (cell.metrics["resident_share"], cell.metrics["cpu_probe_us"]) == (1.0, 600.0)
        assert cell.offered_bytes is None and cell.failures == 0


def test_a_slow_first_cycle_makes_no_short_slices(ticking: list[World]) -> None:
    world = World(sendfile=[0.14, 0.002])
    run(ticking, world, sweeps=1)
    assert dict(world.measured) == {"read-send": 3, "sendfile": 75, "splice": 3}


def test_a_cycle_that_is_longer_than_a_slice_is_one(ticking: list[World]) -> None:
    world = World(splice=[0.4])
    run(ticking, world, sweeps=1)
    assert dict(world.measured)["splice"] == 1
    assert world.slices.count(("splice", 1)) == 3, "once in the warm-up, and twice in the sweep"


def test_a_warm_up_goes_on_for_as_long_as_it_was_asked_for(ticking: list[World]) -> None:
    world = World()
    run(ticking, world, sweeps=1, warm_up_s=0.99)
    assert world.warmed_up == 3 * 20


@pytest.mark.parametrize(
    ("changes", "sweeps"),
    [
        ({}, 5),  # what is left of 6 s by the start and the warm-up, in sweeps of 6 slices
        ({"window_s": 2.0}, 7),  # 2 s of each mode, in slices of 150 ms
        ({"seconds": 30.0}, 2),
        ({"seconds": 3.0}, 1),
        ({"round_s": 0.1}, 1),
    ],
)
def test_a_round_has_as_many_sweeps_as_fit_and_all_rounds_have_as_many(
    ticking: list[World], changes: dict[str, Any], sweeps: int
) -> None:
    world = World()
    ticking.append(world)
    runner = RoundRunner(world, replace(SETTINGS, **changes), FACTS)  # type: ignore[arg-type]
    assert runner.run(1, MODES).sweeps == runner.sweeps == sweeps
    world.cycles_s = {name: [0.5] for name in MODES}
    assert runner.run(2, MODES).sweeps == sweeps


@pytest.mark.parametrize(("seconds", "window_s"), [(1.0, 0.0), (10.0, 5.0)])
def test_a_limit_of_time_that_is_too_short_for_one_round_is_refused(
    ticking: list[World], seconds: float, window_s: float
) -> None:
    match = rf"SECONDS={seconds:g} is too short for one round of 3 modes, .* give SECONDS=\d+ or more"
    with pytest.raises(UserError, match=match):
        run(ticking, World(), seconds=seconds, window_s=window_s)


def test_a_server_that_dies_in_a_slice_voids_the_round_for_its_mode_alone(ticking: list[World]) -> None:
    world = World()
    world.died = {"sendfile": 3}  # in its second slice
    result = run(ticking, world, sweeps=2)
    why = "its server ended in the middle of a slice: sendfile is out of luck"
    assert result.voids == [Void(1, "sendfile", why)]
    assert [cell.mode for cell in result.cells] == ["read-send", "splice"]
    assert {one.mode for one in result.slices} == {"read-send", "splice"}
    assert [cell.slices for cell in result.cells] == [4, 4]
    assert [name for name, _ in world.measured].count("sendfile") < 4, "it is passed over from then on"


def test_one_that_died_in_the_warm_up_is_void_too(ticking: list[World]) -> None:
    world = World()
    world.died = {"sendfile": 0}
    result = run(ticking, world, sweeps=1)
    assert [void.mode for void in result.voids] == ["sendfile"]
    assert [cell.mode for cell in result.cells] == ["read-send", "splice"]


def test_users_that_never_finish_a_slice_are_a_failure_with_a_name(ticking: list[World]) -> None:
    world = World()
    world.stuck = {"sendfile": 5}
    result = run(ticking, world, sweeps=2)
    cells = {cell.mode: cell for cell in result.cells}
    assert cells["sendfile"].failure_names == {TIMED_OUT: 1} and cells["sendfile"].slices == 2
    assert (cells["read-send"].failures, cells["read-send"].slices) == (0, 4)
    assert [one.failures for one in result.slices if one.mode == "sendfile"] == [0, 1]
    assert result.voids == []


def test_users_that_never_finish_their_warm_up_void_the_round_for_their_mode(ticking: list[World]) -> None:
    world = World()
    world.stuck = {"sendfile": 0}
    result = run(ticking, world, sweeps=1)
    why = "its users were not back from their first downloads within 300 s"
    assert result.voids == [Void(1, "sendfile", why)]
    assert [cell.mode for cell in result.cells] == ["read-send", "splice"]


def test_where_nobody_warms_up_nothing_is_measured(ticking: list[World]) -> None:
    world = World()
    world.stuck = dict.fromkeys(MODES, 0)
    result = run(ticking, world)
    assert len(result.voids) == 3 and not result.cells and result.sweeps == 0


def test_at_a_pace_a_slice_lasts_a_second_and_what_was_late_was_offered(ticking: list[World]) -> None:
    world = World()
    world.rate_bytes_per_s, world.late_s = 64 * MIB, 0.25
    result = run(ticking, world, sweeps=1, rate=64 * MIB, slice_s=None)
    assert set(world.measured) == {(name, 32) for name in MODES}, "32 cycles of 2 users at 64 starts a second"
    for cell in result.cells:
        assert cell.received_bytes == 2 * 64 * MIB
        assert cell.offered_bytes == 2 * (64 + 16) * MIB


def test_a_cold_slice_is_one_download_of_a_dropped_file(ticking: list[World]) -> None:
    """The warm-up is cold, too: it tells how many sweeps fit."""
    world = World(splice=[0.5])
    result = run(ticking, world, cache="cold", users=1)
    assert set(world.measured) == {(name, 1) for name in MODES}
    assert world.dropped == len(world.slices)
    assert [cell.metrics["resident_share"] for cell in result.cells] == [0.0, 0.0, 0.0]
    assert world.now_s - 1000 < 6.5


def test_from_both_each_mode_finds_the_file_where_it_belongs(ticking: list[World]) -> None:
    world, modes = World(), ("read-send", "sendfile", "read-send@cold")
    world.cycles_s["read-send@cold"], world.meter["read-send@cold"] = [CYCLE_S], Meter()
    world.cpu_probes_us["read-send@cold"] = 600.0
    world.alive.add("read-send@cold")
    result = run(ticking, world, order=modes, modes=modes, variants=parse_all(modes), cache="both", users=1, sweeps=2)
    assert world.read_warm == [(name, not name.endswith("@cold")) for name, _ in world.slices]
    assert {cycles for name, cycles in world.measured if name == "read-send@cold"} == {1}
    assert {cycles for name, cycles in world.measured if name == "sendfile"} == {3}
    assert {cell.mode: cell.metrics["resident_share"] for cell in result.cells} == dict(
        zip(modes, (1, 1, 0), strict=True)
    )


def test_idle_servers_are_watched(ticking: list[World]) -> None:
    """Here every counter goes on with the time, so that each server seems busy all the time."""
    for cell in run(ticking, World(), sweeps=1).cells:
        assert cell.metrics["idle_cores"] == pytest.approx(1.0)
    (alone,) = run(ticking, World(), order=MODES[:1], sweeps=1).cells
    assert alone.metrics["idle_cores"] is None


def test_a_server_is_not_idle_where_its_process_serves_the_mode_that_is_loaded(ticking: list[World]) -> None:
    def idle(order: tuple[str, ...]) -> dict[str, float | None]:
        of_one = tuple(SimpleNamespace(name=name, process="read-send") for name in MODES[:2])
        facts = SimpleNamespace(metrics=FACTS.metrics, targets=of_one)
        result = run(ticking, World(), order=order, sweeps=1, facts=facts)
        return {cell.mode: cell.metrics["idle_cores"] for cell in result.cells}

    assert idle(MODES[:2]) == dict.fromkeys(MODES[:2])
    assert idle(MODES) == pytest.approx(dict.fromkeys(MODES, 1.0))


def test_positions_are_those_of_the_first_sweep(ticking: list[World]) -> None:
    order = ("splice", "read-send", "sendfile")
    result = run(ticking, World(), order=order, sweeps=1)
    assert [(cell.mode, cell.position) for cell in result.cells] == list(zip(order, itertools.count(1), strict=False))
