"""The course's two lines come from the rounds, and their ratio with its interval."""

import dataclasses
import re
from pathlib import Path

import pytest

from errors import UserError
from reports.run_data import RunData, read_run
from reports.students import time_taken
from tests.reports import synthetic


def measured(tmp_path: Path, rounds: int) -> RunData:
    """A run in which sendfile moves 5 GiB/s and read-send 2 GiB/s, each a little more from round to round."""
    of = synthetic.run(rounds=rounds)
    rows = []
    for cell in synthetic.cells(of):
        speed = (5.0 if cell.mode == "sendfile" else 2.0) * (1 + cell.round / 100)
        rows.append(dataclasses.replace(cell, metrics=cell.metrics | {"gib_per_s": speed}))
    return read_run(synthetic.write(tmp_path, of, rows, sampled=False))


def test_they_are_what_ten_gib_take_and_the_ratio_has_an_interval(tmp_path: Path) -> None:
    _, first, taken, second, taken_2, ratio = time_taken.lines(measured(tmp_path, 10))
    assert (first, second) == ("read-send: how read-send sends a file", "sendfile: how sendfile sends a file")
    seconds = [float(re.fullmatch(r"Time taken: ([\d.]+) seconds", line)[1]) for line in (taken, taken_2)]  # type: ignore[index]
    assert seconds == pytest.approx([10 / 2 / 1.045, 10 / 5 / 1.045], rel=0.01)
    assert ratio == "sendfile takes 0.40x [0.40, 0.40] the time of read-send (10 rounds, 95 % CI); in the chapter 0.52x"


def test_few_rounds_give_no_interval_and_say_so(tmp_path: Path) -> None:
    *_, ratio = time_taken.lines(measured(tmp_path, 3))
    assert ratio.startswith("sendfile takes median 0.40x the time of read-send (3 rounds, 6 are needed for an interval")


def test_a_void_mode_has_no_time(tmp_path: Path) -> None:
    of = synthetic.run(rounds=6)
    rows = [dataclasses.replace(cell, failures=int(cell.mode == "sendfile")) for cell in synthetic.cells(of)]
    run = read_run(synthetic.write(tmp_path, of, rows, sampled=False))
    with pytest.raises(UserError, match="sendfile must not be used; the report says why"):
        list(time_taken.lines(run))
