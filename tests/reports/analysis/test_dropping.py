"""Rounds that measured something else leave the score whole, and the most disturbed quarter of the others is tested."""

import dataclasses
import json
from pathlib import Path

import pytest

from profiles.store.records import Cell, Probe, Repeat, Run
from profiles.store.run_folder import RunFolder
from reports import page
from reports.analysis.bottleneck import probed
from reports.analysis.disturbance import others_share
from reports.analysis.rounds import PRIMARY, build
from reports.analysis.validity import check, left_out
from reports.run_data import read_run
from tests.reports import synthetic
from tests.reports.tags import Tags


def disturbed(*numbers: int, rounds: int = 10, repeats: tuple[Repeat, ...] = ()) -> tuple[Run, list[Cell]]:
    """In these rounds sendfile's cell was stolen from, and cost twice as much."""
    run = synthetic.run(rounds=rounds, repeats=repeats)
    cells = [
        dataclasses.replace(cell, metrics=cell.metrics | {PRIMARY: 2 * (cell.metrics[PRIMARY] or 0), "steal_s": 0.2})
        if cell.round in numbers and cell.mode == "sendfile"
        else cell
        for cell in synthetic.cells(run)
    ]
    return run, cells


def test_a_disturbed_round_is_dropped_with_all_its_modes() -> None:
    run, cells = disturbed(2, 7)
    records = build(run, tuple(cells))
    assert dict(records.dropped) == {2: ("steal 5 % (sendfile)",), 7: ("steal 5 % (sendfile)",)}
    assert len(records.rounds) == len(records.cells_of("read-send")) == 8
    assert len(records.all_rounds) == 10


def test_where_too_few_are_calm_every_round_is_kept_under_caution() -> None:
    run, cells = disturbed(0, 1, 2, 3, 4)
    records = build(run, tuple(cells))
    assert records.always_disturbed and not records.dropped and len(records.rounds) == 10
    cautions = [finding.text for finding in check(records).of("caution")]
    assert "5 of 10 rounds measured something else; too few others remain, so every round is judged" in cautions


def test_dropped_rounds_that_repeats_replaced_leave_a_valid_run() -> None:
    run, cells = disturbed(2, repeats=(Repeat(9, 2),))
    run = dataclasses.replace(run, rounds_planned=9)
    assert check(build(run, tuple(cells), proofs=synthetic.proofs(run))).word == "valid"
    short = dataclasses.replace(run, rounds_planned=10, repeats=())
    (caution,) = check(build(short, tuple(cells), proofs=synthetic.proofs(run))).of("caution")
    assert caution.text == "only 9 of 10 planned rounds could be judged: the others were disturbed and not replaced"


def test_where_the_clock_excludes_steal_every_round_stands_in_one_line() -> None:
    run, cells = disturbed(2, 7)
    run = dataclasses.replace(run, clock_excludes_steal=True)
    records = build(run, tuple(cells), proofs=synthetic.proofs(run))
    assert len(records.rounds) == 10 and left_out(records) is None
    (caution,) = check(records).findings
    assert (caution.rounds, caution.text) == (
        (2, 7),
        "steal above 2 % of the machine's CPU time in 2 of 10 rounds; they stand, since this machine's process clock "
        "excludes steal",
    )


@pytest.mark.parametrize(
    ("proved", "quick", "why"),
    [
        (None, False, "it was not proved that this machine's process clock excludes steal"),
        (None, True, "a quick run does not try whether this machine's process clock excludes steal"),
        (False, False, "this machine's process clock includes steal"),
    ],
)
def test_rounds_that_are_left_out_are_counted_with_the_reason(proved: bool | None, quick: bool, why: str) -> None:
    run, cells = disturbed(2, 7)
    records = build(dataclasses.replace(run, clock_excludes_steal=proved, quick=quick), tuple(cells))
    assert left_out(records) == (
        f"2 of 10 rounds left out, since they measured something else (steal in 2; {why}, so more than 2 % counts)"
    )


def quarter(shift: float) -> tuple[Run, list[Cell]]:
    """The clock excludes steal; in 3 of 12 rounds much was stolen, and sendfile cost so many times as much."""
    run, cells = disturbed(1, 4, 8, rounds=12)
    run = dataclasses.replace(run, clock_excludes_steal=True)
    return run, [
        dataclasses.replace(c, metrics=c.metrics | {PRIMARY: shift * (c.metrics[PRIMARY] or 0)})
        if c.mode == "sendfile"
        else c
        for c in cells
    ]


def test_the_result_without_the_most_disturbed_quarter_stands_beside_it(tmp_path: Path) -> None:
    run, cells = quarter(1.0)
    data = read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False))
    assert data.sensitivity is not None and data.sensitivity.cautions == ()
    assert data.sensitivity.title == "Result without the 3 most disturbed of 12 rounds, by steal and foreign CPU:"
    ((mode, line),) = data.sensitivity.lines
    assert mode == "sendfile" and line.endswith("the verdict stays")


def test_a_void_verdict_stays_void_in_words(tmp_path: Path) -> None:
    run, cells = quarter(1.0)
    failed = [dataclasses.replace(cell, failures=1) if cell.mode == "sendfile" else cell for cell in cells]
    data = read_run(synthetic.write(tmp_path, run, failed, flame=None, sampled=False))
    assert data.verdicts[0].kind == "void" and data.sensitivity is not None
    assert data.sensitivity.lines == (("sendfile", "void, with those rounds and without"),)


def test_a_verdict_that_hangs_on_the_most_disturbed_rounds_is_a_caution(tmp_path: Path) -> None:
    data = read_run(synthetic.write(tmp_path, *quarter(2.8), flame=None, sampled=False))
    assert data.verdicts[0].kind == "inconclusive"
    assert data.sensitivity is not None
    (caution,) = data.sensitivity.cautions
    assert caution in data.validity.findings and caution.mode == "sendfile"
    assert caution.text.startswith("without the 3 most disturbed of 12 rounds the verdict would be: sendfile uses 0.9")


def test_which_rounds_are_most_disturbed_is_decided_without_their_results() -> None:
    run, cells = quarter(1.0)
    other = [dataclasses.replace(c, metrics=c.metrics | {PRIMARY: 1 / (c.metrics[PRIMARY] or 1)}) for c in cells]
    ranks = [[others_share(found, run) for found in build(run, tuple(some)).rounds] for some in (cells, other)]
    assert ranks[0] == ranks[1]


def probe(rate: float, server_s: float, client_s: float) -> str:
    """What a probe with 8 users says beside scored cells of 4.4 GiB/s."""
    run = synthetic.run()
    scored = [synthetic.bare_cell("sendfile", number, 1, gib_per_s=4.4) for number in range(1, 7)]
    cpu = {"server_user_s": 0.0, "server_system_s": server_s, "client_user_s": 0.0, "client_system_s": client_s}
    cell = synthetic.bare_cell("sendfile", 0, 1, gib_per_s=rate, **cpu)
    return probed(Probe(cell, 8), scored, run)


def test_doubled_users_tell_what_the_limit_was() -> None:
    assert probe(4.5, 1.9, 0.8).endswith("the server was the limit")
    assert probe(4.4, 0.9, 1.9).endswith("the client was the limit, not the server")
    assert probe(6.6, 1.0, 1.0) == (
        "with 8 users: +50 % GiB/s (server 0.50, client 0.50 cores): 4 users were too few to reach the limit"
    )
    assert probe(4.4, 0.9, 0.9).endswith("so the limit is elsewhere")


def test_a_probe_comes_back_from_its_folder_and_stands_beside_the_limits(tmp_path: Path) -> None:
    run = synthetic.run(rounds=6)
    folder = synthetic.write(tmp_path, run, flame=None, sampled=False)
    folder.append(Probe(synthetic.bare_cell("sendfile", 0, 1, gib_per_s=4.4), 8))
    assert folder.read(Probe)[0].users == 8
    assert "with 8 users" in Tags(page.page(read_run(folder))).text


def test_a_run_from_before_all_this_can_still_be_read(tmp_path: Path) -> None:
    folder = synthetic.write(tmp_path, synthetic.run(rounds=6), flame=None, sampled=False)
    path = folder.path / "run.json"
    record = json.loads(path.read_text())
    for name in ("rounds_planned", "precision", "stopped", "repeats", "duplicate", "floor", "gib_per_day"):
        record.pop(name, None)
    path.write_text(json.dumps(record))
    data = read_run(RunFolder(folder.path))
    assert data.verdicts[0].kind == "less" and data.floor is None and data.sensitivity is None
