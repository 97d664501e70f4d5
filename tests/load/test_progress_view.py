"""Whoever waits sees on a terminal one view that is drawn in place, and reads a line per round in a file."""

import functools
import re
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from load.campaign.interim_verdict import interim_verdict
from load.campaign.progress import Progress
from load.progress_view import ASCII, STRIP, UNICODE, Axis, Signs, progress_view, view_lines
from profiles.store.records import Cell
from reports.analysis.rounds import Dataset, build
from tests.reports import synthetic

COURSE = ("read-send", "sendfile", "read-whole")


class Terminal(StringIO):
    """What is on the screen of a terminal after all that was written to it: it knows the few codes that Rich uses.
    No line may be longer than its width."""

    def __init__(self, width: int = 80) -> None:
        super().__init__()
        self.width = width

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines, row = [""], 0
        for code, text in re.findall(r"\x1b\[([?0-9;]*[A-Za-z])|([^\x1b])", self.getvalue(), re.DOTALL):
            if code.endswith("A"):
                row = max(0, row - int(code[:-1] or 1))
            elif code in ("2K", "K"):
                lines[row] = ""
            elif code == "2J":
                lines = [""] * len(lines)
            elif code == "H":
                row = 0
            elif text == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif text and text != "\r":
                lines[row] += text
                assert len(lines[row]) <= self.width, f"too long: {lines[row]!r}"
        return [line for line in lines if line]


def console(terminal: StringIO, width: int = 80, **environment: str) -> Console:
    return Console(
        file=terminal,
        force_terminal=isinstance(terminal, Terminal),
        width=width,
        height=24,
        highlight=False,
        _environ={"TERM": "xterm-256color"} | environment,
    )


@functools.cache
def cells(modes: tuple[str, ...]) -> tuple[Cell, ...]:
    return tuple(replace(cell, round=cell.round + 1) for cell in synthetic.cells(synthetic.run(modes, 10)))


def dataset(rounds: int, modes: tuple[str, ...] = COURSE, **changes: Any) -> Dataset:
    run = synthetic.run(modes, rounds, **{"precision": 0.05} | changes)
    return build(run, cells(modes)[: rounds * len(modes)])


def view(progress: Progress, signs: Signs = UNICODE) -> list[str]:
    assert progress.dataset is not None
    return view_lines(progress, interim_verdict(progress.dataset), 20, 80, signs)


def campaign(rounds: int, **changes: Any) -> list[Progress]:
    """What a campaign reports: proofs, rounds, flame graphs."""
    proofs = [Progress(f"proof: {mode}", 0.02, 80) for mode in COURSE]
    measured = [
        one
        for number in range(1, rounds + 1)
        for one in (
            Progress(f"round {number}", 0.1 * number - 0.1, 80 - 6 * number),
            Progress(f"round {number}", 0.1 * number, 74 - 6 * number, dataset(number, **changes)),
        )
    ]
    return [*proofs, *measured, *(Progress(f"flame graph: {mode}", 0.95, 9) for mode in COURSE)]


def test_on_a_terminal_one_view_is_drawn_in_place_and_leaves_nothing_behind_when_a_report_follows() -> None:
    terminal = Terminal()
    heights = []
    with progress_view(console(terminal)) as report:
        for progress in campaign(10):
            report(progress)
            heights.append(len(terminal.screen()))
        shown = terminal.screen()
    assert max(heights) == 5
    assert shown[0].startswith("flame graph: read-whole  ━━━━") and shown[0].endswith("about 9 s left")
    assert shown[1] == "server CPU per GiB as a multiple of read-send; aim ±5 %"
    assert re.match(r"sendfile    0\.\d\dx \[0\.\d\d, 0\.\d\d\]  ±\d\.\d %  10 rounds  +━*◆━* +┊", shown[2])
    assert re.match(r"read-whole  \d\.\d\dx \[\d\.\d\d, \d\.\d\d\]  ±\d\.\d %  10 rounds +┊ +━*◆━*", shown[3])
    assert terminal.screen() == []


def test_after_an_interruption_the_last_view_stays_once() -> None:
    terminal = Terminal()
    with pytest.raises(KeyboardInterrupt), progress_view(console(terminal)) as report:
        for progress in campaign(7):
            report(progress)
        raise KeyboardInterrupt
    assert [line.split()[0] for line in terminal.screen()[:4]] == ["flame", "server", "sendfile", "read-whole"]
    assert len(terminal.screen()) == 5
    assert terminal.getvalue().endswith("\x1b[?25h")  # the cursor is back


def test_too_few_rounds_have_a_median_and_no_interval() -> None:
    lines = view(Progress("round 3", 0.3, 60, dataset(3)))
    assert re.match(r"sendfile    median 0\.\d\dx  no interval yet  3 rounds +◇ +┊", lines[2])
    assert "━" not in "".join(lines[2:])


def test_a_long_step_leaves_room_for_the_time() -> None:
    for step, bar in (("round 8", 24), ("flame graph: read-send@buffer-offset=16,chunk=64KiB", 0)):
        first = view(Progress(step, 1.0, 125, dataset(8)))[0]
        assert first == f"{step}  {'━' * bar}{'  ' * bool(bar)}20 s, about 2 min 5 s left" and len(first) <= 80


def test_news_stay_above_the_view() -> None:
    terminal = Terminal()
    with progress_view(console(terminal)) as report:
        for step in ("proof: sendfile", "skipped: vmsplice: no such call", "round 1"):
            report(Progress(step, 0.1, 60))
        assert [line.split("  ")[0] for line in terminal.screen()] == ["skipped: vmsplice: no such call", "round 1"]
    assert terminal.screen() == ["skipped: vmsplice: no such call"]


@pytest.mark.parametrize("width", [200, 80, 60, 40, 20])
def test_it_fits_into_every_width(width: int) -> None:
    names = ("read-send", "read-send@buffer-offset=16,chunk=64KiB", "sendfile")
    terminal = Terminal(width)
    with progress_view(console(terminal, width)) as report:
        for number in range(1, 9):
            report(Progress(f"round {number}", 0.1, 60, dataset(number, names)))
        assert len(terminal.screen()) == (5 if width >= 80 else 4)


def test_a_terminal_that_is_made_narrow_is_drawn_afresh() -> None:
    terminal = Terminal()
    on = console(terminal)
    with progress_view(on) as report:
        report(Progress("round 8", 0.8, 20, dataset(8)))
        assert "\x1b[2J" not in terminal.getvalue()
        on.width = 50
        report(Progress("round 9", 0.9, 10, dataset(9)))
        assert terminal.getvalue().count("\x1b[2J") == 1
        assert terminal.screen()[0].startswith("round 9") and max(map(len, terminal.screen())) <= 50


def test_without_colours_nothing_is_lost() -> None:
    plain, coloured = Terminal(), Terminal()
    for terminal, environment in ((plain, {"NO_COLOR": "1"}), (coloured, {"COLORTERM": "truecolor"})):
        with progress_view(console(terminal, 80, **environment)) as report:
            report(Progress("round 8", 0.5, 20, dataset(8)))
    assert plain.getvalue() == coloured.getvalue()


def test_a_terminal_without_such_signs_gets_others() -> None:
    lines = view(Progress("round 8", 0.5, 20, dataset(8)), ASCII)
    assert all(line.isascii() for line in lines)
    assert "============------------" in lines[0] and "*" in lines[2]


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}])
def test_piped_or_on_a_dumb_terminal_there_is_one_line_per_round_and_per_kind_of_step(
    environment: dict[str, str],
) -> None:
    stream = Terminal() if environment else StringIO()
    with progress_view(console(stream, 80, **environment)) as report:
        for progress in campaign(10):
            report(progress)
    lines = stream.getvalue().splitlines()
    assert "\x1b" not in stream.getvalue() and len(lines) == 12
    assert lines[0] == "proofs, about 80 s left" and lines[-1] == "flame graphs, about 9 s left"
    ratio = r"\d\.\d\dx"
    assert re.fullmatch(
        rf"round 4: sendfile median {ratio}, read-whole median {ratio}, no interval yet, about 50 s left", lines[4]
    )
    numbers = rf"{ratio} \[\d\.\d\d, \d\.\d\d\]"
    assert re.fullmatch(rf"round 10: sendfile {numbers}, read-whole {numbers}, about 14 s left", lines[10])


def test_a_round_of_the_paced_question_says_so() -> None:
    stream = StringIO()
    with progress_view(console(stream)) as report:
        report(Progress("round 1", 0.1, 60, dataset(1, question="paced")))
    assert stream.getvalue().startswith("paced round 1: ")


def test_a_sweep_has_no_ratios_to_show() -> None:
    stream, terminal = StringIO(), Terminal()
    for out in (stream, terminal):
        with progress_view(console(out)) as report:
            report(Progress("1 MiB, round 1", 0.0, 600))
            report(Progress("4 KiB, round 1", 0.1, 540))
            screen = out.screen() if isinstance(out, Terminal) else []
    assert stream.getvalue().splitlines() == [
        "1 MiB, round 1, about 10 min 0 s left",
        "4 KiB, round 1, about 9 min 0 s left",
    ]
    assert len(screen) == 1 and screen[0].startswith("4 KiB, round 1  ━━──")


def test_a_name_cannot_steer_the_terminal() -> None:
    hostile = "send\x1b[2Jfile\n"
    stream, terminal = StringIO(), Terminal()
    for out in (stream, terminal):
        with progress_view(console(out)) as report:
            report(Progress(f"round 1: {hostile}", 0.1, 60, dataset(8, ("read-send", hostile))))
        assert "\x1b[2J" not in out.getvalue() and "send\N{REPLACEMENT CHARACTER}[2J" in out.getvalue()


def test_the_axis_has_room_for_all_and_for_one() -> None:
    axis = Axis.around([0.45, 0.41, 0.5], STRIP)
    assert 0 <= axis.column(0.41) < axis.column(0.45) < axis.column(0.5) < axis.column(1) < STRIP
    assert Axis.around([1000.0], STRIP).column(1000.0) == STRIP - 1
    labels = axis.labels()
    assert len(labels) == STRIP and labels.startswith("0.37x") and labels.endswith("1.25x")
    assert axis.column(1) == labels.find("1x ") or "1x " not in labels
