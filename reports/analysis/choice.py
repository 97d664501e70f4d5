"""Which of the user's own servers, or of one server's settings, to choose: what an operator needs to know, in lines.

Its rule: a ratio and a saving are paired, and what else differed between the two stands beside them.
"""

from collections.abc import Collection, Iterator
from math import ceil

from profiles.store.proof import Proof
from profiles.store.run_facts import TargetFacts
from reports.analysis.paired_ratio import Paired, family_confidence, hodges_lehmann, paired_ratio, percent
from reports.analysis.rounds import PRIMARY, Dataset
from reports.analysis.savings import cores, traffic
from reports.analysis.text import UNKNOWN, bracketed, interval, number, plural

LEAST_ROOM = 1.05  # between what was measured and the limit of a gate
_LONGEST = 120


def choice(dataset: Dataset, void: Collection[str]) -> tuple[str, ...]:
    """Of the cheapest of them against each other one; none where fewer than two were measured, or nothing is clear.
    void: modes whose numbers must not be used."""
    servers = [
        one for one in dataset.run.targets if one.external and one.name in dataset.modes and one.name not in void
    ]
    costs = {one.name: spread.median for one in servers if (spread := dataset.spread(one.name, PRIMARY))}
    if len(costs) < 2 or dataset.run.quick:
        return ()
    best, *others = sorted((one for one in servers if one.name in costs), key=lambda one: costs[one.name])
    confidence = family_confidence(len(others))
    return tuple(line for other in others for line in _against(dataset, best, other, confidence))


def _against(dataset: Dataset, best: TargetFacts, other: TargetFacts, confidence: float) -> Iterator[str]:
    pairs = dataset.pairs(best.name, PRIMARY, against=other.name)
    if not pairs:
        return
    paired = paired_ratio(pairs, confidence)
    if paired.high is None:
        yield f"{best.name} or {other.name}: too few rounds to tell their CPU apart ({interval(*paired.estimate)})"
    elif paired.high >= 1:
        yield f"{best.name} or {other.name}: their CPU cannot be told apart ({interval(*paired.estimate)})"
    else:
        yield f"{best.name} instead of {other.name}: {_saves(dataset, pairs, paired)}"
    yield f"{best.name} and {other.name}: {'; '.join(_conditions(dataset, best, other))}"
    if paired.high is not None:
        limit = ceil(100 * paired.high * LEAST_ROOM) / 100
        yield f'as a gate of one run: the same make load with MAX="{best.name}/{other.name}<={limit:g}"'


def _saves(dataset: Dataset, pairs: list[tuple[float, float]], paired: Paired) -> str:
    """0.48x [0.45, 0.50] of its server CPU; 1.2 [1.1, 1.3] cores less at 10,000 GiB a day"""
    gib_per_day = traffic(dataset.run.gib_per_day)
    middle, low, high = hodges_lehmann([theirs - ours for ours, theirs in pairs], paired.confidence)
    ends = (None, None) if low is None or high is None else (cores(low, gib_per_day), cores(high, gib_per_day))
    saved = bracketed((cores(middle, gib_per_day), *ends), number)
    example = " (GIB_PER_DAY says another traffic)" if dataset.run.gib_per_day is None else ""
    evidence = f"{plural(paired.rounds, 'round')}, {percent(paired.confidence)} CI"
    ratio = f"{interval(*paired.estimate)} of its server CPU ({evidence})"
    return f"{ratio}; {saved} cores less at {number(gib_per_day)} GiB a day{example}"


def _conditions(dataset: Dataset, best: TargetFacts, other: TargetFacts) -> Iterator[str]:
    """Which settings differ, then what else was equal and what was not."""
    names = dict.fromkeys([*best.settings, *other.settings])
    differing = [name for name in names if best.settings.get(name) != other.settings.get(name)]
    said = (
        f"{name} {_shown(best.settings.get(name))} against {_shown(other.settings.get(name))}" for name in differing
    )
    yield f"settings that differ: {', '.join(said) or 'none on record'}"
    known = [(name, _of(dataset, best.name, name), _of(dataset, other.name, name)) for name in _EQUALITIES]
    yield "equal: " + (
        ", ".join(f"{name} ({a})" for name, a, b in known if a == b != UNKNOWN) or "nothing that is known"
    )
    if unequal := [f"{name} ({a} against {b})" for name, a, b in known if a != b]:
        yield f"not equal: {', '.join(unequal)}"
    if unknown := [name for name, a, b in known if a == b == UNKNOWN]:
        yield f"unknown: {', '.join(unknown)}"


_EQUALITIES = ("software", "threads", "congestion control", "keep-alive", "a log line per request")


def _of(dataset: Dataset, mode: str, name: str) -> str:
    proof = next((one for one in dataset.proofs if one.mode == mode), Proof(mode, "available", None))
    if name == "threads":
        spread = dataset.spread(mode, "threads")
        return UNKNOWN if spread is None else number(spread.median)
    if name == "congestion control":
        return dataset.run.congestion.get(mode) or UNKNOWN
    found = {"software": proof.software, "keep-alive": proof.keeps_alive, "a log line per request": proof.logs}[name]
    return UNKNOWN if found is None else found if isinstance(found, str) else "yes" if found else "no"


def _shown(value: str | None) -> str:
    return "unset" if value is None else repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")
