"""A run between hosts, or over several processes, says so: where it ran, and what was lost."""

import dataclasses
from typing import Any

import pytest

from profiles.store.records import Cell, Repeat, Run, Void
from reports.analysis.bottleneck import client_limited
from reports.analysis.disturbance import foreign_cores, steal_share, swapped, throttled
from reports.analysis.rounds import build
from reports.analysis.validity import check
from reports.explanations import held_to, users_of
from tests.reports import synthetic


def cells_of(run: Run, **more: float | None) -> tuple[Cell, ...]:
    found = []
    for number, modes in enumerate(run.order, 1):
        for position, mode in enumerate(modes, 1):
            cell = synthetic.cell(mode, number, position)
            found.append(dataclasses.replace(cell, metrics=cell.metrics | more))
    return tuple(found)


def cautions(run: Run, cells: tuple[Cell, ...]) -> list[str]:
    return [finding.text for finding in check(build(run, cells)).of("caution")]


def one_cell(**more: float | None) -> Cell:
    return cells_of(synthetic.run(rounds=1), **more)[0]


def test_a_void_round_that_was_run_again_is_told_and_nothing_is_missing() -> None:
    whole = synthetic.run(rounds=10)
    run = dataclasses.replace(
        whole,
        order=(*whole.order, whole.order[2]),
        rounds_planned=10,
        repeats=(Repeat(11, 3),),
        voids=(Void(3, "sendfile", "the agent at 10.0.0.2:8070 was lost"),),
    )
    cells = tuple(cell for cell in cells_of(run) if (cell.round, cell.mode) != (3, "sendfile"))
    told = cautions(run, cells)
    assert told == ["no result in 1 of 11 rounds: the agent at 10.0.0.2:8070 was lost"]


def test_a_void_round_that_was_not_run_again_is_missing() -> None:
    run = dataclasses.replace(synthetic.run(rounds=10), voids=(Void(3, "sendfile", "gone"),), rounds_planned=10)
    told = cautions(run, tuple(cell for cell in cells_of(run) if cell.round != 3))
    assert told == ["no result in 1 of 10 rounds: gone", "only 9 of 10 planned rounds could be judged"]


def test_records_that_say_how_well_clocks_were_known_are_still_read() -> None:
    run = synthetic.run()
    assert cautions(run, cells_of(run, clock_uncertainty_s=0.02)) == []


def test_what_disturbed_the_loads_machine_counts_too() -> None:
    apart = synthetic.run(load_host={"cpus": 4, "cgroup_cpu_max": "max"})
    cell = one_cell(steal_s=0.01, load_steal_s=0.4, swapped_bytes=0.0, load_swapped_bytes=4096.0, load_throttled_s=None)
    assert steal_share(cell, apart) == pytest.approx(0.4 / (cell.wall_s * 4))
    assert (swapped(cell, apart), throttled(cell, apart)) == (4096, 0)
    assert swapped(one_cell(load_swapped_bytes=None), apart) is None
    assert swapped(one_cell(), synthetic.run()) == 0


def test_the_load_is_no_stranger_only_where_it_is_on_the_servers_machine() -> None:
    cell = one_cell()
    here, apart = foreign_cores(cell, synthetic.run()), foreign_cores(cell, synthetic.run(load_host={"cpus": 2}))
    assert here is not None and apart is not None and apart > here


def test_two_workers_are_full_when_both_are() -> None:
    cell = one_cell(client_user_s=1.0, client_system_s=1.2, server_user_s=0.1, server_system_s=0.1)
    one, two = ({**synthetic.run().host, "load_cpus": cpus, "server_cpus": 1} for cpus in (1, 2))
    assert client_limited(cell, synthetic.run(host=one))
    assert not client_limited(cell, synthetic.run(host=two, workers=2))


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"queueing": "tbf 8001: root refcnt 2 rate 1Gbit burst 128Kb lat 50ms"}, "1Gbit"),
        ({"queueing": "noqueue 0: root refcnt 2"}, None),
        ({}, None),
    ],
)
def test_a_rate_that_the_link_was_held_to_is_read_from_the_machine(facts: dict[str, Any], says: str | None) -> None:
    assert held_to(synthetic.run(host=facts)) == says


def test_workers_are_named_where_there_were_some() -> None:
    assert users_of(synthetic.run(workers=2)) == "4 users in 2 workers"
    assert users_of(synthetic.run()) == "4 users"
