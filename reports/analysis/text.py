"""Numbers and lists as text. Its rule: what is unknown is the word "unknown", and never looks like a number."""

import math
import statistics
from collections.abc import Callable
from datetime import UTC, datetime

from reports.analysis.paired_ratio import Estimate
from reports.analysis.rounds import Spread
from units import format_size

UNKNOWN = "unknown"


def number(value: float | None) -> str:
    """Three significant digits, thousands separated: 0.0123, 4.56, 789, 262,144; whole numbers whole."""
    if value is None:
        return UNKNOWN
    if not math.isfinite(value) or value == int(value):
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 6)}f}"


def hundredths(value: float) -> str:
    """1.00, and 0.00 for what is a hair below zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def quantity(value: float | None, unit: str) -> str:
    """The number with its unit; bytes in the largest unit that fits."""
    if value is None:
        return UNKNOWN
    if unit in ("bytes", "B"):
        return format_size(value)
    return f"{number(value)} {unit}".rstrip()


def median(spread: Spread | None, unit: str = "") -> str:
    """The median of the rounds, and in how many of them it was known if not in all."""
    if spread is None:
        return UNKNOWN
    known = "" if spread.known == spread.rounds else f" ({spread.known} of {plural(spread.rounds, 'round')})"
    return quantity(spread.median, unit) + known


def extent(spread: Spread | None, unit: str = "") -> str:
    """From the lowest round to the highest; empty where all are the same."""
    if spread is None or spread.low == spread.high:
        return ""
    return f"{quantity(spread.low, unit)} to {quantity(spread.high, unit)}"


def decimals(*ratios: float) -> int:
    """Two, as in 0.18x; more to keep two significant digits, none from 100 on."""
    smallest = min(ratios)
    if smallest >= 100:
        return 0
    return 2 if smallest >= 0.095 else 1 - math.floor(math.log10(smallest))


def times(value: float) -> str:
    return f"{value:,.{decimals(value)}f}x"


def interval(ratio: float, low: float | None, high: float | None) -> str:
    """0.18x [0.17, 0.20]; median 0.18x where there is no interval."""
    if low is None or high is None:
        return f"median {times(ratio)}"
    places = decimals(low)
    return f"{ratio:,.{places}f}x [{low:,.{places}f}, {high:,.{places}f}]"


def bracketed(estimate: Estimate, say: Callable[[float], str], no_interval: str = "") -> str:
    """1.2 [1.1, 1.3]; without an interval the value, followed by no_interval."""
    value, low, high = estimate
    return f"{say(value)}{no_interval}" if low is None or high is None else f"{say(value)} [{say(low)}, {say(high)}]"


def printable(text: str) -> str:
    """Control characters, which could steer a terminal or break XML, become a visible character."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def nobreak(text: str) -> str:
    """The text with no-break spaces: 97.5 %."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def moment(iso: str) -> str:
    """2026-11-24 13:05 UTC; any other text stays as it is."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return iso if when.tzinfo is None else when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def rounds_list(numbers: list[int]) -> str:
    """1, 2 and 5; a long list is shortened to 8 and "12 more"."""
    shown = [str(item) for item in numbers[:8]]
    if len(numbers) > 8:
        return f"{', '.join(shown)} and {len(numbers) - 8} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def middle(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
