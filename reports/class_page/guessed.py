"""The students' guesses against what was measured in the runs that they guessed.

Its rule: a guess is held against the run that it names, by the questions of that run's students' page. What names no
run that was handed in, or answers none of its questions, is not counted, and said.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from reports.class_page.embedded import Report
from reports.class_page.hand_ins import Refused, shown
from reports.run_data import RunData
from reports.students.guesses import Guesses
from reports.students.questions import Question, path_questions, questions

NEAR = 1.25  # as in templates/students.js
LEAST, MOST = 0.01, 100.0  # of a ratio, as the page takes it


@dataclass(frozen=True, slots=True)
class ChoiceGuesses:
    """How often each choice was made. right: the choice that was measured."""

    text: str
    counts: tuple[tuple[str, int], ...]
    right: str

    @property
    def asked(self) -> int:
        return sum(count for _, count in self.counts)

    @property
    def hits(self) -> int:
        return dict(self.counts).get(self.right, 0)


@dataclass(frozen=True, slots=True)
class RatioGuesses:
    """Ratios that were guessed, and measured, each once. hits: inside the measured interval, or near the ratio."""

    text: str
    guesses: tuple[float, ...]
    measured: tuple[float, ...]
    hits: int

    @property
    def asked(self) -> int:
        return len(self.guesses)


@dataclass(frozen=True, slots=True)
class Guessed:
    """lines: how many were counted."""

    lines: int
    choices: tuple[ChoiceGuesses, ...]
    ratios: tuple[RatioGuesses, ...]
    refused: tuple[Refused, ...]


def guessed(lines: Iterable[tuple[str, Guesses]], reports: Iterable[Report]) -> Guessed:
    """lines: each with where it stands."""
    runs, every = _runs(reports), tuple(lines)
    asked = {name: _asked(found[0]) for name, found in runs.items() if len(found) == 1}
    refused = [Refused(where, _why_not(line, runs.get(line.run, []))) for where, line in every if line.run not in asked]
    groups: dict[tuple[str, str | None, tuple[str, ...]], list[tuple[Question, str]]] = {}
    for _, line in every:
        for name, guess in line.guesses.items():
            if question := asked.get(line.run, {}).get(name):
                groups.setdefault((question.text, question.right, question.choices), []).append((question, guess))
    choices = tuple(made for group in groups.values() if (made := _choices(group)) and made.asked)
    ratios = tuple(typed for group in groups.values() if (typed := _ratios(group)) and typed.asked)
    return Guessed(len(every) - len(refused), choices, ratios, tuple(refused))


def _runs(reports: Iterable[Report]) -> dict[str, list[RunData]]:
    """By name; a run that was handed in twice is one."""
    found: dict[str, dict[tuple[str, int], RunData]] = {}
    for report in reports:
        run = report.run.run
        found.setdefault(run.name, {})[run.started_at, run.seed] = report.run
    return {name: [*runs.values()] for name, runs in found.items()}


def _asked(run: RunData) -> dict[str, Question]:
    return {question.name: question for question in (*questions(run, drawn=False), *path_questions(run))}


def _why_not(line: Guesses, runs: list[RunData]) -> str:
    if runs:
        return f"{len(runs)} reports are of a run called {shown(line.run)}: which one was guessed cannot be told"
    return f"it guesses run {shown(line.run)}, whose report is not among these"


def _choices(pairs: list[tuple[Question, str]]) -> ChoiceGuesses | None:
    question = pairs[0][0]
    if question.right is None:
        return None
    made = Counter(guess for asked, guess in pairs if guess in asked.choices)
    return ChoiceGuesses(question.text, tuple((choice, made[choice]) for choice in question.choices), question.right)


def _ratios(pairs: list[tuple[Question, str]]) -> RatioGuesses | None:
    if pairs[0][0].right is not None:
        return None
    known = [(asked.ratio, number) for asked, guess in pairs if asked.ratio and (number := _number(guess)) is not None]
    hits = sum(_is_near(number, *ratio) for ratio, number in known)
    measured = tuple(dict.fromkeys(ratio[0] for ratio, _ in known))
    return RatioGuesses(pairs[0][0].text, tuple(number for _, number in known), measured, hits)


def _number(guess: str) -> float | None:
    try:
        number = float(guess)
    except ValueError:
        return None
    return number if math.isfinite(number) and LEAST <= number <= MOST else None


def _is_near(guess: float, ratio: float, low: float | None, high: float | None) -> bool:
    inside = low is not None and high is not None and low <= guess <= high
    return inside or max(guess / ratio, ratio / guess) <= NEAR
