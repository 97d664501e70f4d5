"""Where the CPU time went in both runs: the differential flame graph of one mode, before and after a change.

Its rule: what differs in how the two were recorded stands before any graph, and what chance may explain is drawn as no
difference. Samples are a count: one of n has a standard error of √n.

Costs are CPU ms/GiB where perf counted in both runs. Where py-spy alone recorded both, they are shares of its samples.
Lines of Python move when code changes, and a compiler's suffixes (.isra.0) differ from kernel to kernel, so frames are
compared without them.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from reports.analysis.text import number
from reports.comparison.comparison import Comparison
from reports.comparison.text import costs
from reports.flames.copy_tax import Stack
from reports.flames.formats.sampled_stacks import SampledStacks, sampled_stacks
from reports.flames.perf_profile import ERRORS, differing, signed
from reports.flames.still import Still, still
from reports.flames.tree import Tree, difference, self_time
from reports.templating import packed_json

FEW = 0.3  # a smaller difference of the totals than this share cannot be told: too few samples
LEAST_SHARE, LEAST_STILL = 0.003, 0.01
MOST_FUNCTIONS = 12
MS_PER_GIB, SHARE = "CPU ms/GiB", "% of py-spy's samples"
_LINE = re.compile(r":\d+(?=\)_\[p\]$)")
_COMPILER = re.compile(r"(?:\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\d+)?)+(?=(?:_\[k\])?$)")


@dataclass(frozen=True, slots=True)
class Costs:
    """stacks: in unit. ms_per_sample: what one sample stands for, in unit. total_ms: of all, in unit."""

    stacks: Mapping[Stack, float]
    ms_per_sample: float
    total_ms: float
    samples: int


@dataclass(frozen=True, slots=True)
class ProfilesOfMode:
    """facts: what is on record about the two profiles: name, A, B. functions: those that differ by more than chance:
    name, A, B, B − A. trees: packed, by side and other side; None where the two cannot be drawn against each other, and
    cautions say why."""

    mode: str
    facts: tuple[tuple[str, str, str], ...]
    cautions: tuple[str, ...]
    unit: str
    functions: tuple[tuple[str, str, str, str], ...] = ()
    trees: str | None = None
    stills: tuple[Still, ...] = ()


def profiles(comparison: Comparison) -> tuple[ProfilesOfMode, ...]:
    """The modes that both runs profiled, in their order."""
    modes = [row.mode for row in comparison.rows]
    both = {mode: (sampled_stacks(comparison.a, mode), sampled_stacks(comparison.b, mode)) for mode in modes}
    measured = {line.mode: (line.a, line.b) for line in costs(comparison)}
    return tuple(_of_mode(mode, a, b, measured[mode]) for mode, (a, b) in both.items() if a and b)


def _of_mode(mode: str, a: SampledStacks, b: SampledStacks, measured: tuple[str, str]) -> ProfilesOfMode:
    names = dict.fromkeys([*a.facts, *b.facts])
    facts = [(name, a.facts.get(name, "–"), b.facts.get(name, "–")) for name in names if name != "mode"]
    facts.append(("measured rounds, s/GiB (no profiler)", *measured))
    if a.profiler != b.profiler:
        why = f"{a.profiler} recorded A and {b.profiler} B: they count different things, so nothing is compared"
        return ProfilesOfMode(mode, tuple(facts), (why,), "")
    unit = SHARE if a.ms_per_sample is None or b.ms_per_sample is None else MS_PER_GIB
    ours, theirs = (_costs(each, unit) for each in (a, b))
    drawn = {"A": {"B": _drawn("A", ours, theirs, unit)}, "B": {"A": _drawn("B", theirs, ours, unit)}}
    dearest = max(ours.total_ms, theirs.total_ms)
    stills = [
        still(f"{mode} in {one}, compared with {other}", drawn[one][other], each.total_ms / dearest, LEAST_STILL)
        for one, other, each in (("B", "A", theirs), ("A", "B", ours))
    ]
    packed = packed_json(drawn)
    return ProfilesOfMode(
        mode, tuple(facts), _cautions(ours, theirs, unit), unit, _functions(ours, theirs), packed, tuple(stills)
    )


def _costs(sampled: SampledStacks, unit: str) -> Costs:
    each = 100 / sampled.samples if unit == SHARE or sampled.ms_per_sample is None else sampled.ms_per_sample
    found: dict[Stack, float] = {}
    for stack, count in sampled.counts.items():
        key = tuple(comparable(frame) for frame in stack)
        found[key] = found.get(key, 0.0) + count * each
    return Costs(found, each, each * sampled.samples, sampled.samples)


def comparable(frame: str) -> str:
    """A frame without what changes from build to build: its line of Python, its compiler's suffixes."""
    return _COMPILER.sub("", _LINE.sub("", frame))


def _drawn(root: str, ours: Costs, theirs: Costs, unit: str) -> Tree:
    drawn = difference(ours.stacks, theirs.stacks, root, LEAST_SHARE, reroot=False)
    _mark_chance(drawn, ours.ms_per_sample, theirs.ms_per_sample)
    return drawn | {"unit": unit, "other": "the other run"}


def _mark_chance(node: Tree, own_ms: float, other_ms: float) -> None:
    """chance: whether the difference of a frame is within ERRORS standard errors."""
    value, delta = node["value"], node["delta"]
    if abs(delta) < ERRORS * math.sqrt(value * own_ms + max(0.0, value - delta) * other_ms):
        node["chance"] = True
    for child in node["children"]:
        _mark_chance(child, own_ms, other_ms)


def _cautions(a: Costs, b: Costs, unit: str) -> tuple[str, ...]:
    least = ERRORS * math.sqrt(1 / a.samples + 1 / b.samples)
    told = f"{number(a.samples)} samples in A and {number(b.samples)} in B"
    found = []
    if least > FEW:
        found.append(
            f"too few samples ({told}): even the whole must differ by {100 * least:.0f} % to be told from chance"
        )
    if unit == SHARE:
        found.append(
            "py-spy alone recorded both, and it counts no CPU time: these are shares, which say nothing of what became "
            "cheaper or dearer as a whole"
        )
    return tuple(found)


def _functions(a: Costs, b: Costs) -> tuple[tuple[str, str, str, str], ...]:
    own_a, own_b = self_time(a.stacks), self_time(b.stacks)
    return tuple(
        (name, _number(own_a.get(name, 0.0)), _number(own_b.get(name, 0.0)), signed(delta))
        for name, delta in differing(b, a)[:MOST_FUNCTIONS]
    )


def _number(value: float) -> str:
    return number(float(f"{value:.3g}"))
