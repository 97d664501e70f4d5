"""What was handed in: reports, and lines of guesses beside them, by the names of their files.

Its rule: no file ends the reading of the others. What cannot be taken is kept with the reason.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import UsageError, UserError
from reports.analysis.text import printable
from reports.class_page import embedded
from reports.class_page.embedded import Report
from reports.page import PAGE_FILE
from reports.students import guesses
from reports.students.guesses import Guesses
from reports.students.page import STUDENTS_FILE
from units import MIB

PAGES, LINES = (".html", ".htm"), (".txt", ".json", ".jsonl")
MOST_FILES = 1000
MOST_LINES = 2000  # of guesses, in a file
MOST_LINES_BYTES = 4 * MIB
LONGEST_NAME = 60  # characters


@dataclass(frozen=True, slots=True)
class Refused:
    """A file, or a line in it, that could not be taken."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """guesses: each with where it stands."""

    reports: tuple[Report, ...]
    guesses: tuple[tuple[str, Guesses], ...]
    refused: tuple[Refused, ...]


def read(given: str) -> HandedIn:
    """given: files, patterns and folders, apart by spaces. Raises UsageError where that names no file."""
    reports: list[Report] = []
    lines: list[tuple[str, Guesses]] = []
    refused: list[Refused] = []
    for name, path in _named(find(given)):
        try:
            if path.suffix.lower() in PAGES:
                reports.append(embedded.read(name, path))
            elif path.suffix.lower() in LINES:
                for place, line in _lines(path):
                    _take(f"{name}, line {place}", line, lines, refused)
            else:
                raise UserError(f"it is neither a page ({PAGES[0]}) nor lines of guesses ({LINES[0]})")
        except UserError as error:
            refused.append(Refused(name, str(error)))
    return HandedIn(tuple(reports), tuple(lines), tuple(refused))


def _take(name: str, line: str, lines: list[tuple[str, Guesses]], refused: list[Refused]) -> None:
    try:
        lines.append((name, guesses.read(line)))
    except UserError as error:
        refused.append(Refused(name, str(error)))


def _lines(path: Path) -> list[tuple[int, str]]:
    """Those that are not empty, with their numbers. Raises UserError."""
    text = embedded.content(path, MOST_LINES_BYTES).decode(errors="replace")
    found = [(place, line.strip()) for place, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(found) > MOST_LINES:
        raise UserError(f"it has {len(found):,} lines; at most {MOST_LINES:,} guesses are read from a file")
    return found


def find(given: str) -> list[Path]:
    """The files, each once, in order of their paths. Raises UsageError."""
    if not given.strip():
        raise UsageError('give REPORTS="folder/*.html", the reports of a class, or a folder of them')
    words = [given] if _paths(given) else given.split()  # a path may hold spaces
    found: dict[Path, None] = {}
    for word in words:
        paths = _paths(word)
        if not paths:
            raise UsageError(f"REPORTS={given!r}: nothing is called {word!r}; give files, patterns or folders")
        found |= dict.fromkeys(file for path in paths for file in _files(path))
    beside = {path for path in found if path.name == STUDENTS_FILE and path.with_name(PAGE_FILE) in found}
    found = {path: None for path in found if path not in beside}  # a part of the report that is read
    if not found:
        raise UsageError(f"REPORTS={given!r}: no file is in it; give the folder that holds the reports of a class")
    if len(found) > MOST_FILES:
        raise UsageError(f"REPORTS={given!r} are {len(found):,} files; a class page takes {MOST_FILES:,} at most")
    return sorted(found)


def _paths(word: str) -> list[Path]:
    """What is called so, or matches it as a pattern, as in a shell."""
    path = Path(word).expanduser()
    if os.path.lexists(path):
        return [path]
    try:
        found = Path(path.anchor).glob(str(path.relative_to(path.anchor)))
        return [each for each in found if not each.name.startswith(".")]
    except ValueError as error:  # ** beside other signs, or nothing
        raise UsageError(f"{word!r} is not a pattern of files: {error}") from error


def _files(path: Path) -> Iterator[Path]:
    """The file itself; of a folder those in it and below, without hidden ones."""
    if not path.is_dir():
        yield path
        return
    for inner in path.rglob("*"):
        if not inner.is_dir() and not any(part.startswith(".") for part in inner.relative_to(path).parts):
            yield inner


def _named(paths: list[Path]) -> list[tuple[str, Path]]:
    """Each with a name to show: its path below the folder that holds them all."""
    above = os.path.commonpath([path.absolute().parent for path in paths])
    return [(shown(os.path.relpath(path.absolute(), above), LONGEST_NAME), path) for path in paths]


def shown(text: str, most: int = 80) -> str:
    """A stranger's text, without signs that steer a terminal, and cut in the middle where it is long."""
    clean = printable(text)
    return clean if len(clean) <= most else f"{clean[: most // 2]}…{clean[-most // 2 :]}"
