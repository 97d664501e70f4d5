"""The line in which a student's guesses leave the students' page (templates/students.js), read again.

Its rule: the line comes from a stranger. What is not exactly such a line is refused, and nothing in it is run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from errors import UserError

VERSION = 1
LONGEST = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Guesses:
    """run: its name. guesses: by the name of the question (reports/students/questions.py), or path-MODE. right: of
    asked, as the page counted."""

    run: str
    guesses: Mapping[str, str]
    right: int
    asked: int


def read(line: str) -> Guesses:
    """Raises UserError for anything else than a line of the students' page."""
    try:
        found = json.loads(line) if len(line) <= LONGEST else None
        if not isinstance(found, dict) or found.pop("zero_copy_guesses", None) != VERSION:
            raise ValueError
        read = Guesses(**found)
        named = isinstance(read.guesses, dict) and all(isinstance(guess, str) for guess in read.guesses.values())
        counted = all(type(count) is int for count in (read.right, read.asked)) and 0 <= read.right <= read.asked
        if not (named and counted and isinstance(read.run, str)):
            raise ValueError
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{line[:60]!r} is not a line of guesses; copy it from the end of a students' page") from error
    return read
