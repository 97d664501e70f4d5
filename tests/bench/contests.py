"""Contests: ours against another server, in a campaign of the product itself: rounds of fresh servers, mirrored slices.

Its rule: only ratios within a round are compared, and each is shown with its interval beside its bound. A judged row
counts when its interval is within ±4 %, for which a campaign has two minutes: then its figure is held against the
bound. A bound is missed clearly when the whole interval lies above it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from rich.table import Table

from reports.analysis.paired_ratio import Paired, family_confidence, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset
from tests.bench import opponents
from tests.bench.field import Field
from tests.bench.product_runs import load

PRECISION, MOST_S, MOST_ROUNDS = 0.04, 120.0, 54
SHOWN_ROUNDS = 9  # of a campaign in which nothing is judged

Verdict = Literal["within", "unclear", "above", "too few rounds", "not judged"]


@dataclass(frozen=True, slots=True)
class Contest:
    """Ours against the other's server CPU per GiB. bound: the ratio not to exceed, None: not judged."""

    ours: str
    other: str
    bound: float | None


@dataclass(slots=True)
class Outcome:
    """What a part of the bench has to say: tables, sentences below them, and the verdict on each bound, by name."""

    tables: list[Table] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    verdicts: dict[str, Verdict] = field(default_factory=dict)


def campaign(place: Field, size_bytes: int, modes: Sequence[str], *, judged: bool) -> Dataset:
    """The records of a campaign of these modes and opponents. Raises UserError when it fails."""
    options = ["--targets", str(opponents.write(place)), "--modes", *modes, "--baseline", modes[0], "--profile", "0"]
    if judged:
        options += ["--precision", f"{PRECISION:g}", "--seconds", f"{MOST_S:g}", "--rounds", str(MOST_ROUNDS)]
    else:
        options += ["--precision", "0", "--rounds", str(SHOWN_ROUNDS)]
    return load(place, *options, size_bytes=size_bytes).records


def new_contest_table(title: str) -> Table:
    return new_table(title, "", "ours", "other", "ratio", "interval", "rounds", "bound", "")


def add_contest(outcome: Outcome, name: str, contest: Contest, records: Dataset) -> Paired:
    """A row of the outcome's first table, and the verdict where there is a bound."""
    pairs = records.pairs(contest.ours, PRIMARY, against=contest.other)
    return add_pairs(outcome, name, pairs, contest.bound, family_confidence(len(records.others)))


def add_pairs(
    outcome: Outcome, name: str, pairs: Sequence[tuple[float, float]], bound: float | None, level: float
) -> Paired:
    """The same of pairs that are known already."""
    ours, other = zip(*pairs, strict=True)
    result = paired_ratio(pairs, level)
    verdict = judged(result, bound)
    if bound is not None:
        outcome.verdicts[name] = verdict
    outcome.tables[0].add_row(
        name,
        f"{median(ours):.4g}",
        f"{median(other):.4g}",
        f"{result.ratio:.3f}x",
        interval(result),
        str(result.rounds),
        "–" if bound is None else f"≤ {bound:.2f}x",
        verdict,
    )
    return result


def interval(result: Paired) -> str:
    if result.low is None or result.high is None:
        return "–"
    return f"[{result.low:.3f}, {result.high:.3f}], {percent(result.confidence)}"


def judged(result: Paired, bound: float | None) -> Verdict:
    if bound is None:
        return "not judged"
    if result.low is None or result.half_width is None:
        return "too few rounds"
    if result.low > bound:
        return "above"
    return "within" if result.half_width <= PRECISION and result.ratio <= bound else "unclear"


def new_table(title: str, *headings: str) -> Table:
    """A table whose columns are never wrapped."""
    table = Table(title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table
