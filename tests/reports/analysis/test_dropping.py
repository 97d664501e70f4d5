"""Disturbed rounds leave the score whole, in plain sight, and the report says what they would have changed."""

import dataclasses
import json
from pathlib import Path

from profiles.store.records import Cell, Probe, Repeat, Run
from profiles.store.run_folder import RunFolder
from reports import page
from reports.analysis.bottleneck import probed
from reports.analysis.rounds import PRIMARY, build
from reports.analysis.validity import check
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
    assert "5 of 10 rounds disturbed; too few are left to judge from, so every round is kept" in cautions


def test_dropped_rounds_that_repeats_replaced_leave_a_valid_run() -> None:
    run, cells = disturbed(2, repeats=(Repeat(9, 2),))
    run = dataclasses.replace(run, rounds_planned=9)
    assert check(build(run, tuple(cells), proofs=synthetic.proofs(run))).word == "valid"
    short = dataclasses.replace(run, rounds_planned=10, repeats=())
    (caution,) = check(build(short, tuple(cells), proofs=synthetic.proofs(run))).of("caution")
    assert caution.text == ("only 9 of 10 planned rounds could be judged: the others and their repeats were disturbed")


def test_the_page_names_the_dropped_rounds_and_gives_the_result_with_every_round_kept(tmp_path: Path) -> None:
    run, cells = disturbed(2, 7, repeats=(Repeat(9, 2),))
    run = dataclasses.replace(run, stopped="every interval was within ±5 % after 9 rounds", rounds_planned=12)
    text = Tags(page.page(read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False)))).text
    assert "8 of 10 complete rounds judged; 2 dropped, 1 repeated because" in text
    assert "round 2, repeated as round 9: steal 5 % (sendfile)" in text
    assert "round 7, not repeated: steal 5 % (sendfile)" in text
    assert "Result with every round kept (10 rounds):" in text
    assert "the verdict stays" in text
    assert "every interval was within ±5 % after 9 rounds; at most 12 were planned" in text


def test_a_verdict_that_hangs_on_the_dropped_rounds_is_said_to(tmp_path: Path) -> None:
    run, cells = disturbed(1, 3, 5, 7)
    shifted = [
        dataclasses.replace(c, metrics=c.metrics | {PRIMARY: 2.2 * (c.metrics[PRIMARY] or 0)})
        if c.mode == "sendfile"
        else c
        for c in cells
    ]
    data = read_run(synthetic.write(tmp_path, run, shifted, flame=None, sampled=False))
    assert data.verdicts[0].kind == "less"
    assert data.sensitivity is not None
    ((mode, line),) = data.sensitivity.lines
    assert mode == "sendfile" and "the verdict would be: inconclusive" in line


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
