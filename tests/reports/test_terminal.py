"""What the terminal says at the end: one line for each thing, with counts, and no list of rounds."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from profiles.store.records import Cell, Run, Void
from reports import terminal
from reports.run_data import RunData, find, read_run
from tests.reports import synthetic

MODES = ("read-send", "sendfile", "read-whole")
RANKING = [
    "cheapest: sendfile; then read-send; then read-whole",
    "sendfile needs 3.0 times less CPU than read-send (3.0 to 3.1)",
]
STOPPED = "every interval was within ±5 % after 12 rounds"


def noisy(steal_s: float, **changes: Any) -> tuple[Run, list[Cell]]:
    """In eight of twelve rounds this much was stolen from every mode."""
    run = synthetic.run(MODES, rounds=12, stopped=STOPPED, **changes)
    return run, [
        dataclasses.replace(cell, metrics=cell.metrics | {"steal_s": steal_s}) if cell.round < 8 else cell
        for cell in synthetic.cells(run)
    ]


def said(tmp_path: Path, run: Run, cells: list[Cell], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines below the table."""
    terminal.show(read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False)))
    lines = capsys.readouterr().out.splitlines()
    return lines[next(place for place, line in enumerate(lines) if line.startswith("└")) + 1 :]


def test_a_noisy_machine_is_one_line_and_the_verdicts_stand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(tmp_path, *noisy(0.4, clock_excludes_steal=True), capsys)
    assert [line.split(" [")[0] for line in lines[:2]] == ["sendfile uses 0.33x", "read-whole uses 3.78x"]
    assert lines[2:] == [
        "caution: steal above 2 % of the machine's CPU time in 8 of 12 rounds; they stand, since this machine's "
        "process clock excludes steal",
        f"ended by: {STOPPED}",
        *RANKING,
        "read-whole needs 3.8 times as much CPU as read-send (3.7 to 3.8)",
    ]


def test_rounds_that_are_left_out_are_one_line_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = synthetic.run(rounds=12, stopped=STOPPED, clock_excludes_steal=True)
    cells = [
        dataclasses.replace(cell, metrics=cell.metrics | {"swapped_bytes": 4096.0}) if cell.round < 3 else cell
        for cell in synthetic.cells(run)
    ]
    assert said(tmp_path, run, cells, capsys)[1:] == [
        f"ended by: {STOPPED}",
        "3 of 12 rounds left out, since they measured something else (swapping in 3)",
        "cheapest: sendfile; then read-send",
        RANKING[1],
    ]


def test_what_concerns_several_modes_alike_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = synthetic.run(MODES, rounds=10)
    busy = {"client_user_s": 0.3, "client_system_s": 1.5, "machine_cpu_s_per_gib": None}
    cells = [
        dataclasses.replace(cell, metrics=cell.metrics | busy | {"server_user_s": 0.0, "server_system_s": 1.0})
        for cell in synthetic.cells(run)
    ]
    text = "client-limited in 10 of 10 rounds: throughput is a lower bound; CPU per GiB holds"
    assert said(tmp_path, run, cells, capsys)[2:3] == [f"caution: read-send, sendfile, read-whole: {text}"]


def test_a_quick_run_is_labelled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = synthetic.run(rounds=6, quick=True, stopped="the limit of 6 rounds")
    data = read_run(synthetic.write(tmp_path, run, flame=None, sampled=False))
    terminal.show(data)
    text = capsys.readouterr().out
    assert text.startswith("synthetic (exploratory): medians of 6 complete rounds, ")
    assert "\nsendfile: about 0.33x [" in text and "(exploratory, 6 rounds)\n" in text
    assert "\nended by: the limit of 6 rounds\n" in text
    assert data.sensitivity is None


def lost(tmp_path: Path, mode: str) -> RunData:
    """A run in which this mode's server died in every round."""
    run = synthetic.run(MODES, rounds=6)
    run = dataclasses.replace(run, voids=tuple(Void(number, mode, "MemoryError") for number in range(6)))
    cells = [cell for cell in synthetic.cells(run) if cell.mode != mode]
    return read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False))


def test_a_mode_that_always_died_is_void_and_the_others_have_their_verdicts(tmp_path: Path) -> None:
    data = lost(tmp_path, "sendfile")
    assert [(verdict.mode, verdict.kind) for verdict in data.verdicts] == [("sendfile", "void"), ("read-whole", "none")]
    assert data.verdicts[0].sentence == "void: no result in any round: MemoryError"
    assert data.void == {"sendfile"}


def test_a_baseline_that_always_died_leaves_no_run_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no complete round .12 cells, state done.: MemoryError: measure again"):
        lost(tmp_path, "read-send")
    with pytest.raises(UserError, match=r"no campaign in .* holds a complete round"):
        find(tmp_path, None)
