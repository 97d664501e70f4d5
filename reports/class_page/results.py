"""All that the class page and the terminal say: what was handed in, and what follows from it."""

from dataclasses import dataclass

from errors import UserError
from reports.class_page import hand_ins
from reports.class_page.guessed import Guessed, guessed
from reports.class_page.hand_ins import HandedIn, Refused
from reports.class_page.pools import LeftOut, Pool, left_out, pools

MOST_NAMED = 3  # of refused files, where nothing else was handed in


@dataclass(frozen=True, slots=True)
class Results:
    """pools: the course's pair first. left_out: reports that were read and not pooled. refused: all that was not
    taken, lines of guesses included."""

    handed_in: HandedIn
    pools: tuple[Pool, ...]
    left_out: tuple[LeftOut, ...]
    guessed: Guessed
    refused: tuple[Refused, ...]


def results(given: str) -> Results:
    """given: REPORTS as make got it. Raises UserError where no report could be read."""
    handed_in = hand_ins.read(given)
    if not handed_in.reports:
        first = "; ".join(f"{each.name}: {each.reason}" for each in handed_in.refused[:MOST_NAMED])
        raise UserError(f"no report could be read: {first or 'only guesses were handed in'}")
    found, said = pools(handed_in.reports), guessed(handed_in.guesses, handed_in.reports)
    return Results(handed_in, found, left_out(found), said, handed_in.refused + said.refused)
