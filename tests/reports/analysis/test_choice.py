"""Which of two servers of the user's own to choose: the ratio, the cores, the setting, what was equal, and the gate."""

from dataclasses import replace
from typing import Any

from profiles.store.proof import Proof
from reports.analysis.choice import choice
from reports.analysis.rounds import Dataset, build
from tests.reports import synthetic

SETTINGS = {"read-send": {"values.path": "sendfile off;"}, "sendfile": {"values.path": "sendfile on;"}}


def dataset(externals: tuple[str, ...] = ("sendfile", "read-send"), **facts: Any) -> Dataset:
    run = synthetic.run(**facts)
    targets = tuple(
        replace(one, external="command", settings=SETTINGS[one.name]) if one.name in externals else one
        for one in run.targets
    )
    run = replace(run, targets=targets, congestion=dict.fromkeys(run.modes, "cubic"))
    proofs = [Proof(mode, "available", None, keeps_alive=mode == "sendfile") for mode in run.modes]
    return replace(build(run, tuple(synthetic.cells(run))), proofs=tuple(proofs))


def test_it_says_what_an_operator_needs() -> None:
    ratio, conditions, gate = choice(dataset(gib_per_day=20_000.0), ())
    assert ratio.startswith("sendfile instead of read-send: ") and "x [" in ratio
    assert " cores less at 20,000 GiB a day" in ratio and "GIB_PER_DAY" not in ratio
    assert "settings that differ: values.path 'sendfile on;' against 'sendfile off;'" in conditions
    assert "equal: threads (5), congestion control (cubic)" in conditions
    assert "not equal: keep-alive (yes against no)" in conditions
    assert "unknown: software, a log line per request" in conditions
    assert 'MAX="sendfile/read-send<=0.' in gate


def test_without_a_traffic_it_says_so() -> None:
    assert "at 10,000 GiB a day (GIB_PER_DAY says another traffic)" in choice(dataset(), ())[0]


def test_there_is_nothing_to_choose_among_fewer_than_two() -> None:
    assert (
        choice(dataset(("sendfile",)), ()) == choice(dataset(), {"sendfile"}) == choice(dataset(quick=True), ()) == ()
    )


def test_two_that_cost_the_same_are_not_ranked() -> None:
    found = dataset()
    cells = tuple(replace(cell, metrics=cell.metrics | {"server_cpu_s_per_gib": 0.5}) for cell in found.cells)
    assert "their CPU cannot be told apart" in choice(replace(build(found.run, cells), proofs=found.proofs), ())[0]


def test_too_few_rounds_are_no_tie() -> None:
    first, *_ = choice(dataset(rounds=3), ())
    assert first.startswith("sendfile or read-send: too few rounds to tell their CPU apart (median ")
