"""The method on effects that are known: it finds what is there, finds nothing where nothing is, and flags the rest."""

import dataclasses
import math
import random
import statistics

import pytest

from profiles.store.proof import Proof
from profiles.store.records import Cell, Run
from reports.analysis.rounds import PRIMARY, Dataset, build
from reports.analysis.validity import check
from reports.analysis.verdict import Verdict, conclude
from tests.reports import synthetic

MODES = ("read-send", "sendfile")


def campaign(effect: float, seed: int, rounds: int = 24, drift: float = 0.2) -> tuple[Run, list[Cell]]:
    """Records of a campaign whose second mode costs `effect` times the first.

    The machine drifts by `drift` (0.2 is a fifth dearer) from the first cell to the last, each cell has 0.8 % of noise
    of its own, and three in a hundred are hit by something that costs a tenth to a half as much again.
    """
    run = synthetic.run(MODES, rounds)
    chance = random.Random(seed)
    cells: list[Cell] = []
    count = rounds * len(MODES)
    for number, modes in enumerate(run.order, 1):
        for position, mode in enumerate(modes, 1):
            cost = 0.4 * (effect if mode == "sendfile" else 1.0) * math.exp(chance.gauss(0, 0.008))
            cost *= 1 + drift * len(cells) / count
            cost *= 1 + (chance.random() < 0.03) * chance.uniform(0.1, 0.5)
            cells.append(synthetic.bare_cell(mode, number, position, **{PRIMARY: cost}))
    return run, cells


def concluded(run: Run, cells: list[Cell]) -> tuple[Dataset, Verdict]:
    records = build(run, tuple(cells), proofs=synthetic.proofs(run))
    (verdict,) = conclude(records, check(records))
    return records, verdict


def test_ten_percent_more_cpu_is_found_as_1_10x_within_its_interval() -> None:
    found = [concluded(*campaign(1.10, seed))[1] for seed in range(20)]
    assert sum(verdict.kind == "more" for verdict in found) >= 19
    inside = [v.paired.low <= 1.10 <= v.paired.high for v in found if v.paired and v.paired.low and v.paired.high]
    assert len(inside) == 20 and sum(inside) >= 18
    estimates = [verdict.paired.ratio for verdict in found if verdict.paired]
    assert statistics.median(estimates) == pytest.approx(1.10, abs=0.01)


def test_two_equals_are_called_so_in_at_least_19_of_20_campaigns() -> None:
    """36 rounds, which make it 400 of 400 seeds; 24 make it 393."""
    found = [concluded(*campaign(1.0, seed, rounds=36))[1] for seed in range(20)]
    assert sum(verdict.kind == "same" for verdict in found) >= 19


def test_ten_rounds_are_too_few_to_call_these_equal_and_never_call_them_different() -> None:
    kinds = [concluded(*campaign(1.0, seed, rounds=10))[1].kind for seed in range(100)]
    assert sum(kind in ("less", "more") for kind in kinds) <= 1


def test_the_drift_that_interleaving_takes_out_would_have_fooled_blocks() -> None:
    """The same costs, all of the one and then all of the other: the drift becomes a difference."""
    _, cells = campaign(1.0, 1, drift=0.5)
    costs = [cell.metrics[PRIMARY] or 0 for cell in cells]
    blocks = statistics.median(costs[24:]) / statistics.median(costs[:24])
    assert blocks > 1.15
    assert concluded(*campaign(1.0, 1, drift=0.5))[1].kind in ("same", "inconclusive")


@pytest.mark.parametrize("drift", [-0.6, 0.0, 3.0])
def test_drift_creates_no_verdict(drift: float) -> None:
    kinds = {concluded(*campaign(1.0, seed, drift=drift))[1].kind for seed in range(10)}
    assert kinds <= {"same", "inconclusive"}


def test_spikes_in_one_mode_create_no_verdict() -> None:
    """Three of ten rounds cost one mode five times as much, for a reason that no counter saw."""
    run, cells = campaign(1.0, 2, rounds=10)
    spiked = [
        synthetic.bare_cell(cell.mode, cell.round, cell.position, **{PRIMARY: 5 * (cell.metrics[PRIMARY] or 0)})
        if cell.mode == "sendfile" and cell.round in (2, 5, 8)
        else cell
        for cell in cells
    ]
    assert concluded(run, spiked)[1].kind in ("same", "inconclusive")


def test_rounds_that_steal_spoiled_are_dropped_and_create_no_verdict() -> None:
    """Half of the rounds, always to the cost of the same mode: kept, they would be a difference."""
    run, cells = campaign(1.0, 3, rounds=14)
    spoiled = [
        dataclasses.replace(cell, metrics=cell.metrics | {PRIMARY: 1.6 * (cell.metrics[PRIMARY] or 0), "steal_s": 0.4})
        if cell.mode == "sendfile" and cell.round % 2
        else cell
        for cell in cells
    ]
    records, verdict = concluded(run, spoiled)
    assert sorted(records.dropped) == [1, 3, 5, 7, 9, 11, 13]
    assert records.dropped[3] == ("steal 10 % (sendfile)",)
    assert verdict.kind in ("same", "inconclusive")
    kept = conclude(records.with_rounds(records.all_rounds), check(records))[0]
    assert kept.paired is not None and kept.paired.ratio > 1.2


def test_a_client_that_is_the_bottleneck_is_flagged() -> None:
    run, cells = campaign(0.3, 4, rounds=10)
    busy: dict[str, float | None] = {
        "client_user_s": 0.5,
        "client_system_s": 1.4,
        "server_user_s": 0.0,
        "server_system_s": 0.7,
        "machine_cpu_s_per_gib": None,
    }
    flagged = [dataclasses.replace(c, metrics=c.metrics | busy) if c.mode == "sendfile" else c for c in cells]
    records, verdict = concluded(run, flagged)
    cautions = [(finding.mode, finding.text) for finding in check(records).of("caution")]
    assert cautions == [
        ("sendfile", "client-limited in 10 of 10 rounds: throughput is a lower bound; CPU per GiB holds")
    ]
    assert verdict.kind == "less", "CPU per GiB stands"


def test_a_mode_that_falls_back_is_void() -> None:
    """As socket.sendfile() does silently, into read and send: two copies where its model has none."""
    run, cells = campaign(0.3, 5)
    fell_back = Proof("sendfile", "degraded", model_copies=0, read_copies=1.0, by_reference_share=0.0)
    records = build(run, tuple(cells), proofs=(synthetic.proofs(run)[0], fell_back))
    (verdict,) = conclude(records, check(records))
    assert verdict.kind == "void"
    assert verdict.sentence == (
        "void: it did not use the path it is named after: 2.00 CPU copies per byte were measured, its model has 0"
    )


def test_a_server_whose_cpu_time_is_lost_is_void() -> None:
    run, cells = campaign(0.3, 5)
    lost = Proof("sendfile", "available", None, by_reference_share=1.0, uncounted="nobody waits for its processes")
    records = build(run, tuple(cells), proofs=(synthetic.proofs(run)[0], lost))
    (verdict,) = conclude(records, check(records))
    assert verdict.sentence == "void: what it costs cannot be measured: nobody waits for its processes"


def test_wrong_bytes_and_a_changed_file_are_void() -> None:
    run, cells = campaign(0.3, 6)
    wrong = Proof("sendfile", "degraded", 0, 0.0, 1.0, wrong=("0+4096",))
    records = build(run, tuple(cells), proofs=(synthetic.proofs(run)[0], wrong))
    assert "wrong bytes arrived in 0+4096" in str(check(records).void_reason("sendfile"))
    changed = dataclasses.replace(run, file=dataclasses.replace(run.file, changed=True))
    assert concluded(changed, cells)[1].sentence == "void: the served file changed during the run"
