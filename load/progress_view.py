"""What `make load` and `make sweep` show while one waits: a live view on a terminal, else a few lines.

Its rule: it draws only when it is told something new, which happens while nothing is measured: drawing costs the CPU
of the client. What it says, it says in words and signs, so that it loses nothing without colours.
"""

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.live import Live
from rich.text import Text

from load.campaign.interim_verdict import Interim, ModeSoFar, interim_verdict
from load.campaign.progress import Progress, Report
from reports.analysis.paired_ratio import percent
from reports.analysis.text import interval, plural, printable, times
from units import duration

ONE_BY_ONE = ("proof", "flame graph")  # steps that take every mode in turn
BAR, SHORTEST_BAR, STRIP, SHORTEST_STRIP, LONGEST_NAME = 24, 6, 24, 12, 26  # columns
NO_INTERVAL = "no interval yet"
WIDEST = 32.0  # the strip's axis reaches from 1/32 to 32 at most


@contextlib.contextmanager
def progress_view(console: Console | None = None) -> Iterator[Report]:
    """Tell it how far the work is. When all went well the view leaves, since a report follows; else it stays."""
    console = console or Console(stderr=True, force_terminal=sys.stderr.isatty(), highlight=False)
    if not console.is_terminal or console.is_dumb_terminal:
        yield _Lines(lambda line: print(line, file=console.file, flush=True)).report
        return
    view = _View(console)
    with view.live:
        yield view.report
        view.live.transient = True


class _View:
    def __init__(self, console: Console) -> None:
        self.live = Live(console=console, auto_refresh=False)
        self._console = console
        self._began_s = time.monotonic()
        self._found: Interim | None = None
        self._told = ""
        self._width = console.width

    def report(self, progress: Progress) -> None:
        console = self._console
        if console.width < self._width:  # the terminal has broken the lines, and nobody knows into how many
            console.clear()
        self._width = console.width
        if ": " in progress.step and not _one_by_one(progress.step) and progress.step != self._told:
            console.print(Text(printable(progress.step)), soft_wrap=True)  # news, which stay above the view
        self._told = progress.step
        if progress.dataset is not None:
            self._found = interim_verdict(progress.dataset)
        signs = ASCII if console.options.ascii_only else UNICODE
        lines = view_lines(progress, self._found, time.monotonic() - self._began_s, console.width, signs)
        self.live.update(Text("\n".join(lines), no_wrap=True, overflow="ellipsis"), refresh=True)


class _Lines:
    """One line per round and per kind of step."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._told = ""

    def report(self, progress: Progress) -> None:
        step, left = progress.step, f"about {duration(progress.left_s)} left"
        if progress.dataset is not None:
            found = interim_verdict(progress.dataset)
            said = [f"{mode.mode} {_ratio(mode)}" for mode in found.modes]
            if any(mode.ratio and not mode.low for mode in found.modes):
                said.append(NO_INTERVAL)
            self._write(printable(f"{_titled(step, found)}: {', '.join([*said, left])}"))
        elif not step.startswith("round "):  # a round is told at its end
            kind = f"{step.partition(': ')[0]}s" if _one_by_one(step) else step
            if kind != self._told:
                self._write(printable(f"{kind}, {left}"))
            self._told = kind


@dataclass(frozen=True, slots=True)
class Signs:
    """What bars and strips are drawn with."""

    done: str
    rest: str
    one: str
    bar: str
    estimate: str
    median: str
    within: str


UNICODE = Signs("━", "─", "┊", "━", "◆", "◇", "±")
ASCII = Signs("=", "-", ":", "=", "*", "o", "+/-")


def view_lines(progress: Progress, found: Interim | None, elapsed_s: float, width: int, signs: Signs) -> list[str]:
    """The view: how far it is, and each compared mode with its ratio, its interval, and both drawn on one axis."""
    step = printable(_titled(progress.step, found))
    spent = f"{duration(elapsed_s)}, about {duration(progress.left_s)} left"
    room = min(BAR, width - cell_len(step) - cell_len(spent) - 4)
    done = round(room * min(1.0, max(0.0, progress.done_share)))
    bar = f"{signs.done * done}{signs.rest * (room - done)}  " if room >= SHORTEST_BAR else ""
    first = f"{step}  {bar}{spent}"
    if found is None or not found.modes:
        return [first]
    aim = f"; aim {signs.within}{percent(found.precision)}" if found.precision else ""
    return [first, f"server CPU per GiB as a multiple of {printable(found.baseline)}{aim}", *_rows(found, width, signs)]


def _rows(found: Interim, width: int, signs: Signs) -> Iterator[str]:
    names = [printable(mode.mode) for mode in found.modes]
    columns = [
        [set_cell_size(name, min(LONGEST_NAME, cell_len(name))) for name in names],
        [_ratio(mode) for mode in found.modes],
        [_half_width(mode, signs) for mode in found.modes],
        [plural(len(mode.ratios), "round") for mode in found.modes],
    ]
    widths = [max(map(cell_len, column)) for column in columns]
    before = sum(widths) + 2 * sum(map(bool, widths))
    room = min(STRIP, width - before)
    axis = Axis.around([edge for mode in found.modes for edge in (mode.ratio, mode.low, mode.high) if edge], room)
    for mode, *cells in zip(found.modes, *columns, strict=True):
        text = "".join(f"{set_cell_size(cell, size)}  " for cell, size in zip(cells, widths, strict=True) if size)
        yield text + (axis.strip(mode, signs) if room >= SHORTEST_STRIP else "")
    if room >= SHORTEST_STRIP:
        yield " " * before + axis.labels()


@dataclass(frozen=True, slots=True)
class Axis:
    """Columns of text on a logarithmic axis from low to high, as ratios. Values beyond its ends are drawn there."""

    low: float
    high: float
    columns: int

    @staticmethod
    def around(ratios: Sequence[float], columns: int) -> "Axis":
        """With room for all ratios, up to WIDEST, and 1."""
        known = [min(WIDEST, max(1 / WIDEST, ratio)) for ratio in ratios]
        low, high = (min([0.8, *(one / 1.1 for one in known)]), max([1.25, *(one * 1.1 for one in known)]))
        return Axis(low, high, columns)

    def column(self, ratio: float) -> int:
        share = math.log(ratio / self.low) / math.log(self.high / self.low)
        return round((self.columns - 1) * min(1.0, max(0.0, share)))

    def strip(self, mode: ModeSoFar, signs: Signs) -> str:
        cells = [" "] * self.columns
        if mode.low and mode.high:
            first, last = self.column(mode.low), self.column(mode.high)
            cells[first : last + 1] = signs.bar * (last + 1 - first)
        cells[self.column(1)] = signs.one
        if mode.ratio:
            cells[self.column(mode.ratio)] = signs.estimate if mode.low else signs.median
        return "".join(cells).rstrip()

    def labels(self) -> str:
        """Both ends, and 1 where there is room between them."""
        low, high = times(self.low), times(self.high)
        text = low + high.rjust(self.columns - len(low))
        at = self.column(1)
        free = text[max(0, at - 1) : at + 3] == "    "
        return text[:at] + "1x" + text[at + 2 :] if free else text


def _ratio(mode: ModeSoFar) -> str:
    if mode.kind == "void":
        return "void"
    if mode.ratio is None:
        return "no result yet"
    return interval(mode.ratio, mode.low, mode.high)


def _half_width(mode: ModeSoFar, signs: Signs) -> str:
    if mode.half_width is None:
        return NO_INTERVAL if mode.ratio else ""
    return f"{signs.within}{100 * mode.half_width:.1f} %"


def _titled(step: str, found: Interim | None) -> str:
    """A round of the paced question says so: it has numbers of its own."""
    return f"paced {step}" if found is not None and found.question == "paced" and step.startswith("round ") else step


def _one_by_one(step: str) -> bool:
    return step.partition(": ")[0] in ONE_BY_ONE
