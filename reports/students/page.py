"""The students' page of a run, beside its report: one self-contained HTML file that loads nothing.

Its rule: what a path did stays folded until the reader asks for it.
"""

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from profiles.store.files import write_file
from profiles.store.run_facts import Code, CodeStep, TargetFacts
from reports.analysis.copies import statement
from reports.analysis.rounds import PRIMARY
from reports.analysis.text import UNKNOWN, median, number
from reports.charts.data_path import picture, summary
from reports.explanations import machine_line
from reports.mode_names import plain
from reports.run_data import RunData
from reports.students.questions import contrasted, copies_to_choose, questions
from reports.students.source_excerpts import Quote, function, quote
from reports.templating import Rendered, fragment

STUDENTS_FILE = "students.html"
# What is highlighted in the server's code, by step, and in the function that sends.
_MARKED: dict[CodeStep, tuple[str, ...]] = {
    "receive": ("self._parser.take(", "self._receive("),
    "name": ("return unquote",),
    "answer": ("open_file(", "send_file("),
    "send": (),
}
_CALLS = ("read(", "readv(", "readinto(", "send(", "sendall(", "sendmsg(", "sendfile(", "splice(", "mmap(")


@dataclass(frozen=True, slots=True)
class DataPath:
    """A mode, what it did, and its code. copies: CPU copies per byte, measured and rounded; None if unknown."""

    target: TargetFacts
    summary: str
    statement: str
    copies: str | None
    cost: str
    verdict: str | None
    calls: tuple[tuple[str, str], ...]
    no_calls: str | None
    picture: Markup | None
    sends: Quote | None
    whole: Quote | None


def write(run: RunData, folder: Path) -> Path:
    """Write the page into the folder of the run's report; returns its path."""
    return write_file(folder / STUDENTS_FILE, page(run).encode())


def page(run: RunData) -> str:
    paths = [_path(run, index, mode) for index, mode in enumerate(run.dataset.modes)]
    made = [int(path.copies) for path in paths if path.copies is not None]
    guessed = fragment("students_paths.html", paths=paths, choices=copies_to_choose(made))
    found = [
        Rendered("steps", "What a file server does", False, _steps(run, paths)),
        Rendered("predict", "Predict, then look", False, _predict(run)),
        Rendered("paths", "Every path of this run", False, guessed),
        Rendered("score", "Your score", False, fragment("students_score.html", run=run.run)),
        Rendered("next", "Ask your own question next", False, fragment("students_next.html", run=run.run)),
    ]
    return fragment(
        "students.html", run=run.run, machine=machine_line(run), sections=[item for item in found if item.body]
    )


def _steps(run: RunData, paths: list[DataPath]) -> Markup:
    """The course's three steps in the server's own code."""
    shared = {piece.step: quote(piece, _MARKED[piece.step]) for piece in run.code if piece.mode is None}
    pair = contrasted(run) or (run.run.baseline,)
    return fragment(
        "students_steps.html",
        **{step: shared.get(step) for step in ("receive", "name", "answer")},
        sends=[path for path in paths if path.target.name in pair],
        modes=len(paths),
    )


def _predict(run: RunData) -> Markup:
    asked = questions(run)
    return fragment("students_predict.html", questions=asked) if asked else Markup("")


def _path(run: RunData, index: int, mode: str) -> DataPath:
    target, proof = run.target(mode), run.proof(mode)
    measured = proof.measured_copies if proof else None
    calls = (proof.calls_per_gib if proof else None) or {}
    no_calls = (proof.calls_reason if proof else None) or "not on record"
    code = next((piece for piece in run.code if piece.mode in (mode, plain(mode))), None)
    return DataPath(
        target,
        summary(target),
        statement(target, proof),
        None if measured is None else str(round(measured)),
        median(run.dataset.spread(mode, PRIMARY), "CPU s/GiB"),
        next((verdict.line for verdict in run.verdicts if verdict.mode == mode), None),
        tuple((name, number(count)) for name, count in calls.items()),
        None if calls else f"{UNKNOWN}: {no_calls}",
        picture(f"path-{index}", target, proof) if target.copies else None,
        *_quotes(code),
    )


def _quotes(code: Code | None) -> tuple[Quote | None, Quote | None]:
    """The function that sends, and the whole file."""
    return (None, None) if code is None else (function(code, "send_file", _CALLS), quote(code))
