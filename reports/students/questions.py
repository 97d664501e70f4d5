"""What students are asked to predict, and the answers from the run's records.

Its rule: pure, and only asks what this run can answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from reports.analysis.paired_ratio import Estimate
from reports.analysis.text import median, number
from reports.charts.data_path import chapter_picture, picture
from reports.charts.interval_strip import axis, strip
from reports.run_data import RunData
from reports.students import course

_STRIP = (
    "The diamond is the estimate, the bar its interval, the dotted line 1 second; the ring is your guess. "
    "The scale is logarithmic."
)


@dataclass(frozen=True, slots=True)
class Question:
    """choices: none if the guess is a ratio to type. right: the correct choice. ratio: the measured one, with its
    interval. pictures: shown with the answer, each with a caption."""

    name: str
    text: str
    answer: tuple[str, ...]
    choices: tuple[str, ...] = ()
    right: str | None = None
    ratio: Estimate | None = None
    pictures: tuple[tuple[str, Markup], ...] = ()


def questions(run: RunData) -> tuple[Question, ...]:
    """In the order in which they are asked."""
    return tuple(question for ask in (_copies, _fewer, _cost, _calls) for question in ask(run))


def contrasted(run: RunData) -> tuple[str, str] | None:
    """The classic mode and the one to compare with it; None if there is only one."""
    first = course.classic(run)
    others = [mode for mode in run.dataset.modes if mode != first and mode not in run.void]
    if not others or first in run.void:
        return None
    return first, course.ZERO_COPY if course.ZERO_COPY in others else others[0]


def _pictures(run: RunData, name: str, mode: str) -> tuple[tuple[str, Markup], ...]:
    """The mode's copies as the course draws them, then as they were measured."""
    target = run.target(mode)
    return (
        (f"{mode}, drawn in the chapter's way: every arrow is a copy", chapter_picture(f"{name}-chapter", target)),
        (f"{mode}, as measured here: who copies, and ✓ where it was observed", picture(name, target, run.proof(mode))),
    )


def _copies(run: RunData) -> Iterator[Question]:
    mode = course.classic(run)
    answer = course.how_many(run, mode)
    if answer is None:
        return
    copies = round(course.measured_copies(run.dataset.proofs)[mode]) + course.by_devices(run, mode)
    yield Question(
        "copies",
        f"A file is on the disk, and {mode} sends it to a network card. How many times is every byte copied on the "
        f"way, by the CPU or by a device?",
        (answer,),
        choices=("1", "2", "3", "4", "5"),
        right=str(copies),
        pictures=_pictures(run, "question-copies", mode),
    )


def _fewer(run: RunData) -> Iterator[Question]:
    mode = course.best(run)
    if mode is None:
        return
    answer = course.fewer(run) or f"Not in this run: {mode} made the fewest."
    yield Question(
        "fewer",
        "Can the CPU make fewer than two copies of every byte?",
        (answer,),
        choices=("yes", "no"),
        right="yes" if course.fewer(run) else "no",
        pictures=_pictures(run, "question-fewer", mode),
    )


def _cost(run: RunData) -> Iterator[Question]:
    """Only for the declared comparison: no other has a verdict (docs/method.md §4)."""
    pair = contrasted(run)
    verdict = next((found for found in run.verdicts if pair and found.mode == pair[1]), None)
    if pair is None or verdict is None or verdict.paired is None or pair[0] != run.run.baseline:
        return
    paired, first, second = verdict.paired, *pair
    rates = " and ".join(f"{mode} {median(run.dataset.spread(mode, 'gib_per_s'), 'GiB/s')}" for mode in pair)
    yield Question(
        "cost",
        f"{first} needs 1 second of CPU time for some bytes. How many seconds does {second} need for the same bytes?",
        (f"{verdict.line}.", f"How fast were they? Medians of the rounds: {rates}. Speed is not cost: the report says "
         f"what limited each of them."),
        ratio=paired.estimate,
        pictures=((_STRIP, strip(axis(paired.estimate), *paired.estimate)),),
    )  # fmt: skip


def _calls(run: RunData) -> Iterator[Question]:
    mode = course.classic(run)
    proof = run.proof(mode)
    if proof is None or not proof.calls_per_gib:
        return
    total = sum(proof.calls_per_gib.values())
    choices = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
    nearest = min(choices, key=lambda choice: max(choice / total, total / choice))
    each = "; ".join(f"{name} {number(count)}" for name, count in proof.calls_per_gib.items())
    yield Question(
        "calls",
        f"How many system calls does {mode} make to send 1 GiB, roughly?",
        (f"{number(total)}, counted by strace and scaled to a GiB: {each}.",),
        choices=tuple(f"{choice:,}" for choice in choices),
        right=f"{nearest:,}",
    )
