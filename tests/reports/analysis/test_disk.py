"""The same modes from the page cache and from the disk: what the disk costs, and whether it drowns the copies."""

import dataclasses
import random

import pytest

from reports.analysis.disk import beside_the_disk
from reports.analysis.disturbance import RULES, must_repeat
from reports.analysis.rounds import Dataset, build
from tests.reports import synthetic

BOTH = ("read-send", "sendfile", "read-send@cold", "sendfile@cold")
SIZE_BYTES = synthetic.SIZE_BYTES


def dataset(milliseconds: dict[str, float], rounds: int = 12) -> Dataset:
    """Downloads that take these times, give or take a percent; a cold one costs 1.5 times the CPU."""
    run = synthetic.run(BOTH, rounds=rounds, cache="both")
    targets = tuple(dataclasses.replace(each, cold=each.name.endswith("@cold")) for each in run.targets)
    run = dataclasses.replace(run, targets=targets)
    chance = random.Random(3)
    cells = []
    for cell in synthetic.cells(run):
        wall_s = milliseconds[cell.mode] / 1000 * chance.lognormvariate(0, 0.01)
        cpu = {"read-send": 0.4, "sendfile": 0.2}[cell.mode.removesuffix("@cold")] * chance.lognormvariate(0, 0.01)
        metrics = cell.metrics | {
            "gib_per_s": SIZE_BYTES / 2**30 / wall_s,
            "server_cpu_s_per_gib": cpu * (1.5 if run.is_cold(cell.mode) else 1.0),
            "resident_share": 0.0 if run.is_cold(cell.mode) else 1.0,
        }
        cells.append(dataclasses.replace(cell, metrics=metrics))
    return build(run, tuple(cells))


SLOW_DISK = {"read-send": 20.0, "sendfile": 10.0, "read-send@cold": 200.0, "sendfile@cold": 198.0}
FAST_DISK = {"read-send": 20.0, "sendfile": 10.0, "read-send@cold": 25.0, "sendfile@cold": 15.0}


def test_a_disk_that_takes_most_of_the_time_drowns_the_copies() -> None:
    drowns, first, second, beside = beside_the_disk(dataset(SLOW_DISK), ())
    size = f"a download of {SIZE_BYTES >> 20} MiB takes"
    assert first.startswith(f"read-send: {size} 20") and " ms from the page cache and 20" in first
    assert " ms from the disk, 10.0" in first or " ms from the disk, 9.9" in first
    assert ", 1.5" in first or ", 1.49" in first
    assert second.startswith(f"sendfile: {size} ")
    assert beside.startswith("sendfile beside read-send: from the page cache 0.50x [") or "cache 0.49x [" in beside
    assert "; from the disk 0.99x [" in beside and " the time, 0.50x [" in beside
    assert drowns.startswith("the disk drowns the copies: its time is 90 % [")
    assert "of a cold download of read-send (12 rounds, 99.38 % CI)" in drowns


def test_a_fast_disk_does_not() -> None:
    drowns, *_ = beside_the_disk(dataset(FAST_DISK), ())
    assert drowns.startswith("the disk does not drown the copies: its time is 20 % [")


@pytest.mark.parametrize(("cold_ms", "rounds"), [(40.0, 12), (200.0, 6)])
def test_what_the_interval_does_not_say_is_unclear(cold_ms: float, rounds: int) -> None:
    """Half of the time; and so few rounds that there is no interval."""
    drowns, *_ = beside_the_disk(dataset(SLOW_DISK | {"read-send@cold": cold_ms}, rounds), ())
    assert drowns.startswith("it is unclear whether the disk drowns the copies: its time is ")


def test_a_void_mode_is_not_compared_and_another_run_says_nothing() -> None:
    assert len(beside_the_disk(dataset(SLOW_DISK), {"sendfile@cold"})) == 2
    assert beside_the_disk(dataset(SLOW_DISK), {"read-send", "sendfile"}) == ()
    run = synthetic.run()
    assert beside_the_disk(build(run, tuple(synthetic.cells(run))), ()) == ()


def test_each_mode_is_held_to_its_own_place() -> None:
    """A file that was in memory before a cold slice, and one that was not before a warm one, void the round."""
    found = dataset(SLOW_DISK)
    cells = dict(found.rounds[0])
    assert must_repeat(cells, found.run) == ()
    warm, cold = (
        {name: dataclasses.replace(cells[name], metrics=cells[name].metrics | {"resident_share": 0.5})}
        for name in ("sendfile", "sendfile@cold")
    )
    assert must_repeat(cells | warm, found.run) == ("absent pages 50 % (sendfile)",)
    assert [rule.name for rule in RULES if rule.over(cold["sendfile@cold"], found.run)] == ["resident pages"]
