"""The result of a sweep in sentences: where curves cross, where a buffer should lie.

Its rule: `crossover` decides; a result that is still open says what is missing.
"""

from collections.abc import Iterator, Sequence

from reports.analysis.paired_ratio import percent
from reports.analysis.text import interval
from reports.analysis.verdict import VerdictKind
from reports.sweep.crossover import Crossover, Point, Side
from reports.sweep.sweep_data import SweepData

MOST_NAMED = 6
THINGS = {"size": "file size", "chunk": "chunk", "connections": "number of connections", "buffer-offset": "offset"}


def sentences(sweep: SweepData) -> list[tuple[VerdictKind, str]]:
    """One per mode that is compared with the baseline: the kind of its sign, and the sentence."""
    if sweep.sweep.axis == "buffer-offset":
        return [advice(sweep)]
    return [said(sweep, mode) for mode in sweep.others]


def said(sweep: SweepData, mode: str) -> tuple[VerdictKind, str]:
    found, baseline = sweep.crossover(mode), sweep.modes[0]
    if not found.points:
        return "void", f"{mode}: void, or of unknown cost, at every point"
    if found.kind == "crossover":
        below, above = (mode, baseline) if found.before == "less" else (baseline, mode)
        return "same", f"below {_located(sweep, found)} {below} costs less, above it {above} does"
    between = f"between {sweep.say(found.points[0].value)} and {sweep.say(found.points[-1].value)}"
    level = f"no difference beyond ±{percent(sweep.delta)}"
    if found.kind == "same":
        return "same", f"no crossover {between}: {mode} and {baseline} show {level} at any {_thing(sweep)} measured"
    if found.kind == "one side":
        cheaper, dearer = (mode, baseline) if found.before == "less" else (baseline, mode)
        equal = _at(sweep, found.points, "same")
        how = f"costs less than {dearer} at every {_thing(sweep)} measured"
        if equal:
            how = f"never costs more than {dearer}; {equal} there is {level}"
        return "less" if cheaper == mode else "more", f"no crossover {between}: {cheaper} {how}"
    sides = "; ".join(_sides(sweep, found, mode))
    if found.kind == "several":
        return "inconclusive", f"the curves cross more than once {between}: {sides}"
    return "inconclusive", f"{mode}: whether there is a crossover {between} cannot be told yet: {sides}"


def advice(sweep: SweepData) -> tuple[VerdictKind, str]:
    """At which offset in its page read-send's buffer should begin."""
    shifted = [point for point in sweep.points(sweep.others[0]) if point.value > 0]
    dear = [point for point in shifted if point.side(sweep.delta) == "more"]
    unknown = [point for point in shifted if point.side(sweep.delta) in ("none", "open")]
    if dear:
        worst = max(dear, key=lambda point: point.ratio)
        at = _list([f"page + {sweep.say(point.value)}" for point in dear])
        cost = f"up to {_interval(worst)} the CPU of an aligned one, at page + {sweep.say(worst.value)}"
        return "more", f"a buffer at {at} costs more, {cost}: keep buffers page-aligned, as read-send does"
    if not shifted or unknown:
        at = _list([f"page + {sweep.say(point.value)}" for point in unknown])
        return "inconclusive", f"whether the offset matters cannot be told yet: undecided at {at or 'every offset'}"
    return "same", (
        f"no offset costs more than an aligned buffer by more than ±{percent(sweep.delta)}: on this CPU the offset of "
        f"the buffer does not matter; page-aligned buffers are safe everywhere"
    )


def _located(sweep: SweepData, found: Crossover) -> str:
    assert found.at is not None and found.low is not None and found.high is not None
    return f"{sweep.say(found.at)} [{sweep.say(found.low)}, {sweep.say(found.high)}]"


def _thing(sweep: SweepData) -> str:
    return THINGS[sweep.sweep.axis]


def _sides(sweep: SweepData, found: Crossover, mode: str) -> Iterator[str]:
    sides: tuple[tuple[Side, str], ...] = (
        ("less", f"{mode} costs less"),
        ("more", f"{sweep.modes[0]} costs less"),
        ("same", f"no difference beyond ±{percent(sweep.delta)}"),
        ("open", "undecided"),
        ("none", "no interval yet"),
    )
    for side, what in sides:
        if where := _at(sweep, found.points, side):
            yield f"{what} {where}"


def _at(sweep: SweepData, points: Sequence[Point], side: Side) -> str:
    """at 4 KiB and 16 KiB; empty if no point lies on this side"""
    values = [sweep.say(point.value) for point in points if point.side(sweep.delta) == side]
    return f"at {_list(values)}" if values else ""


def _list(names: Sequence[str]) -> str:
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[: MOST_NAMED - 1])} and {len(names) - MOST_NAMED + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _interval(point: Point) -> str:
    assert point.low is not None and point.high is not None
    return interval(point.ratio, point.low, point.high)
