"""A limit on what one mode costs as a multiple of another in the same run, like nginx-new/nginx-old<=1.05. Pure."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from errors import UsageError

LARGEST = 1000.0


@dataclass(frozen=True, slots=True)
class Limit:
    """maximum: the largest ratio of mode to against that passes."""

    mode: str
    against: str
    maximum: float


def is_limit(text: str) -> bool:
    """Whether it names two modes; else it is a ratio."""
    return "<" in text or "/" in text


def parse(text: str, canonical: Callable[[str], str] = str) -> Limit:
    """MODE/MODE<=RATIO. canonical: what the name of a mode becomes. Raises UsageError."""
    pair, sign, maximum = text.partition("<=")
    mode, slash, against = pair.partition("/")
    if not (sign and slash and mode.strip() and against.strip()):
        raise UsageError(f"MAX={text!r}: give limits without spaces, like nginx-new/nginx-old<=1.05")
    if mode.strip() == against.strip():
        raise UsageError(f"MAX={text!r} compares {mode} with itself: give two modes")
    return Limit(canonical(mode.strip()), canonical(against.strip()), ratio(maximum))


def ratio(text: str) -> float:
    """The largest ratio that passes. Raises UsageError."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found <= LARGEST:
        raise UsageError(f"MAX={text!r} is not a limit: give a ratio above 0 and up to {LARGEST:g}, like 1.05")
    return found
