"""The course's two lines, "Time taken: … seconds", from a run that compared two data paths.

Its rule: the course times ten downloads of 1 GiB once, by one client. Here a path's time is the median of its rounds,
scaled to the same bytes, and the ratio is that of paired rounds, with its interval (docs/method.md §4).
"""

from collections.abc import Iterator

from errors import UserError
from reports.analysis.paired_ratio import paired_ratio, percent
from reports.analysis.rounds import Dataset
from reports.analysis.text import interval, number, plural, times
from reports.run_data import RunData
from units import GIB

COURSE_GIB = 10
COURSE_RATIO = 3.71454380400246 / 7.175773588009179  # of the figures that the chapter prints
SPEED = "gib_per_s"


def lines(run: RunData) -> Iterator[str]:
    """Raises UserError where the run has nothing to say: no round, or a mode that is void."""
    dataset, baseline = run.dataset, run.run.baseline
    (mode,) = dataset.others
    if wrong := [name for name in (baseline, mode) if name in run.void]:
        raise UserError(f"{' and '.join(wrong)} must not be used; the report says why")
    pairs = dataset.pairs(mode, SPEED)
    if not pairs:
        raise UserError("no round was complete: give more SECONDS, or a smaller SIZE")
    measured = [sum(cell.received_bytes for cell in dataset.cells_of(name)) / GIB for name in (baseline, mode)]
    rounds = f"rounds that downloaded {' and '.join(map(number, measured))} GiB"
    yield f"time for {COURSE_GIB} GiB, as in the course, by the median of {rounds}"
    for name in (baseline, mode):
        yield f"{name}: {run.target(name).summary}"
        yield f"Time taken: {_time_taken_s(dataset, name):.2f} seconds"
    paired = paired_ratio(pairs).inverted
    said = f"{mode} takes {interval(*paired.estimate)} the time of {baseline}"
    evidence = f"{plural(paired.rounds, 'round')}, {paired.reason or f'{percent(paired.confidence)} CI'}"
    yield f"{said} ({evidence}); in the chapter {times(COURSE_RATIO)}"


def _time_taken_s(dataset: Dataset, mode: str) -> float:
    spread = dataset.spread(mode, SPEED)
    assert spread is not None, "there is a pair"
    return COURSE_GIB / spread.median
