"""What students are asked to predict, and the answers from the run's records.

Its rule: pure, and only asks what this run can answer.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup

from reports.analysis.paired_ratio import Estimate
from reports.analysis.text import median, number
from reports.charts.data_path import chapter_picture, picture
from reports.charts.interval_strip import axis, strip
from reports.run_data import RunData
from reports.students import course

MOST_COPIES, LARGEST_CHOICE = 3, 12  # choices go up to the first, or to what a path made
_STRIP = (
    "The diamond is the estimate, the bar its interval, the dotted line 1 second; the ring is your guess. "
    "The scale is logarithmic."
)


@dataclass(frozen=True, slots=True)
class Question:
    """choices: none if the guess is a ratio to type. right: the correct choice. ratio: the measured one, with its
    interval. mode: whose copies are drawn. pictures: shown with the answer, each with a caption."""

    name: str
    text: str
    answer: tuple[str, ...]
    choices: tuple[str, ...] = ()
    right: str | None = None
    ratio: Estimate | None = None
    mode: str | None = None
    pictures: tuple[tuple[str, Markup], ...] = ()


def questions(run: RunData, *, drawn: bool = True) -> tuple[Question, ...]:
    """In the order in which they are asked. drawn: with their pictures."""
    asked = tuple(question for ask in (_copies, _fewer, _cost, _calls) for question in ask(run))
    return tuple(replace(each, pictures=tuple(_pictures(run, each))) for each in asked) if drawn else asked


def path_questions(run: RunData) -> tuple[Question, ...]:
    """About each path of ours whose copies were measured, beside its code."""
    measured = course.measured_copies(run.dataset.proofs)
    choices = copies_to_choose(measured.values())
    asked = "How many times does the CPU copy every byte in"
    return tuple(
        Question(f"path-{mode}", f"{asked} {mode}?", (), choices, str(round(made))) for mode, made in measured.items()
    )


def copies_to_choose(made: Iterable[float]) -> tuple[str, ...]:
    """Numbers of copies: 0 to 3, or to what a path made."""
    most = max((min(round(copies), LARGEST_CHOICE) for copies in made), default=0)
    return tuple(str(count) for count in range(max(MOST_COPIES, most) + 1))


def contrasted(run: RunData) -> tuple[str, str] | None:
    """The classic mode and the one to compare with it; None if there is only one."""
    first = course.classic(run)
    others = [mode for mode in run.dataset.modes if mode != first and mode not in run.void]
    if not others or first in run.void:
        return None
    return first, course.ZERO_COPY if course.ZERO_COPY in others else others[0]


def _pictures(run: RunData, asked: Question) -> Iterator[tuple[str, Markup]]:
    """A mode's copies as the course draws them, then as they were measured; or a ratio with its interval."""
    if asked.mode:
        target, name = run.target(asked.mode), f"question-{asked.name}"
        chapter = chapter_picture(f"{name}-chapter", target)
        yield f"{asked.mode}, drawn in the chapter's way: every arrow is a copy", chapter
        measured = picture(name, target, run.proof(asked.mode))
        yield f"{asked.mode}, as measured here: who copies, and ✓ where it was observed", measured
    if asked.ratio:
        yield _STRIP, strip(axis(asked.ratio), *asked.ratio)


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
        mode=mode,
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
        mode=mode,
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
    )  # fmt: skip


def _calls(run: RunData) -> Iterator[Question]:
    mode = course.classic(run)
    proof = run.proof(mode)
    if proof is None or not proof.calls_per_gib:
        return
    total = sum(proof.calls_per_gib.values())
    if not total:
        return
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
