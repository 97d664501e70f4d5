"""Folded stacks as trees to draw: one mode's, and the difference of two.

Its rule: pure, and in CPU milliseconds per GiB, so that modes can be compared whatever they served.

Two data paths enter the kernel by different calls (`preadv` and `sendto`, `sendfile`), so drawn from the Python line
down they would have no frame in common. For a difference both are re-rooted: each stack begins at its outermost kernel
frame that the other mode has too; stacks without such a frame stay whole below their call.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from reports.flames.copy_tax import COPYING, KERNEL, PYTHON, Stack, group_of

Tree = dict[str, Any]  # name, value (ms/GiB), children; kind or delta (ms/GiB)

MIN_SHARE = 0.001  # of the whole; narrower frames are invisible
_WAY_IN = re.compile(
    r"entry_|do_syscall_|syscall_|(asm_)?sysvec_|asm_exc|__x64_sys_|__se_sys_|__do_sys_|__sys_|ksys_|do_fast"
)
_HELPER = re.compile(r"(__pi_|__)?mem(cpy|move|set)|rep_movs|\[(?!lib)")  # or a frame without a symbol


def per_gib(stacks: Mapping[Stack, int], rate_hz: float, gib: float) -> dict[Stack, float]:
    """Samples as CPU milliseconds per GiB; each stands for 1/rate_hz seconds."""
    return {stack: 1e3 * count / rate_hz / gib for stack, count in stacks.items()}


def tree(stacks: Mapping[Stack, float], root: str, least_share: float = MIN_SHARE) -> Tree:
    """One mode's flame graph, without frames below that share of the whole. kind: see kind_of."""
    whole = sum(stacks.values())
    return _node(root, 0, list(stacks.items()), whole, least_share * whole) | {"kind": "root"}


def _node(name: str, depth: int, stacks: list[tuple[Stack, float]], value: float, least: float) -> Tree:
    """value: the sum of these stacks, which are equal down to this depth."""
    below: dict[str, list[tuple[Stack, float]]] = {}
    for item in stacks:
        if len(item[0]) > depth:
            below.setdefault(item[0][depth], []).append(item)
    children = [
        _node(frame, depth + 1, part, cost, least)
        for frame, part in sorted(below.items())
        if (cost := sum(one for _, one in part)) >= least
    ]
    return {"name": strip_suffix(name), "kind": kind_of(name), "value": round(value, 3), "children": children}


def pruned(whole: Tree, least_share: float) -> Tree:
    """The tree without frames below that share of its root."""

    def kept(node: Tree) -> Tree:
        return node | {"children": [kept(child) for child in node["children"] if child["value"] >= least]}

    least = least_share * whole["value"]
    return kept(whole)


@cache
def strip_suffix(frame: str) -> str:
    return frame.removesuffix(KERNEL).removesuffix(PYTHON)


@cache
def kind_of(frame: str) -> str:
    """python, c, kernel, or copy: a kernel function that copies bytes."""
    if frame.endswith(PYTHON):
        return "python"
    if not frame.endswith(KERNEL):
        return "c"
    return "copy" if group_of(frame) == COPYING else "kernel"


def trimmed(stacks: Mapping[Stack, float], least_share: float = MIN_SHARE) -> dict[Stack, float]:
    """Stacks cut at frames below that share of the whole, whose cost goes to their caller."""
    least, sums = least_share * sum(stacks.values()), _sums(stacks)
    found: dict[Stack, float] = {}
    for stack, value in stacks.items():
        deepest = next(length for length in range(len(stack), -1, -1) if not length or sums[stack[:length]] >= least)
        kept = stack[: max(deepest, 1)]
        found[kept] = found.get(kept, 0.0) + value
    return found


def rerooted(stacks: Mapping[Stack, float], other: Mapping[Stack, float]) -> dict[Stack, float]:
    """Stacks from their outermost kernel frame that the other mode has too; see above."""
    shared = {frame for stack in other for frame in stack if _meets(frame)}
    found: dict[Stack, float] = {}
    for stack, value in stacks.items():
        start = next((at for at, frame in enumerate(stack) if frame in shared), None)
        part = _own_part(stack) if start is None else stack[start:]
        found[part] = found.get(part, 0.0) + value
    return found


@cache
def _meets(frame: str) -> bool:
    return frame.endswith(KERNEL) and not _WAY_IN.match(frame)


def _own_part(stack: Stack) -> Stack:
    """From the last Python frame on: a call that only this mode makes."""
    python = [at for at, frame in enumerate(stack) if frame.endswith(PYTHON)]
    return stack[python[-1] :] if python else stack


def difference(
    stacks: Mapping[Stack, float], other: Mapping[Stack, float], root: str, least_share: float = MIN_SHARE
) -> Tree:
    """The first mode's tree, re-rooted; delta: how much more each frame costs than in the other mode.

    Frames that only the other mode has are missing, so a picture shows both directions.
    """
    ours, theirs = rerooted(stacks, other), rerooted(other, stacks)
    drawn = tree(ours, root, least_share)
    _add_deltas(drawn, _sums(_plain(theirs)), ())
    return drawn


def _plain(stacks: Mapping[Stack, float]) -> dict[Stack, float]:
    found: dict[Stack, float] = {}
    for stack, value in stacks.items():
        names = tuple(strip_suffix(frame) for frame in stack)
        found[names] = found.get(names, 0.0) + value
    return found


def _sums(stacks: Mapping[Stack, float]) -> dict[Stack, float]:
    """The value of every path from the root."""
    sums: dict[Stack, float] = {}
    for stack, value in stacks.items():
        for length in range(len(stack) + 1):
            path = stack[:length]
            sums[path] = sums.get(path, 0.0) + value
    return sums


def _add_deltas(node: Tree, others: Mapping[tuple[str, ...], float], path: tuple[str, ...]) -> None:
    node["delta"] = round(node["value"] - others.get(path, 0.0), 3)
    for child in node["children"]:
        _add_deltas(child, others, (*path, child["name"]))


def leaf_deltas(stacks: Mapping[Stack, float], other: Mapping[Stack, float]) -> list[tuple[str, float]]:
    """Functions with the first mode's self time minus the other's, in ms/GiB; largest difference first."""
    ours, theirs = self_time(stacks), self_time(other)
    deltas = {name: ours.get(name, 0.0) - theirs.get(name, 0.0) for name in ours.keys() | theirs.keys()}
    return sorted(deltas.items(), key=lambda item: (-abs(item[1]), item[0]))


def self_time(stacks: Mapping[Stack, float]) -> dict[str, float]:
    """Self time by function, in ms/GiB."""
    costs: dict[str, float] = {}
    for stack, value in stacks.items():
        name = own_name(stack)
        costs[name] = costs.get(name, 0.0) + value
    return costs


def own_name(stack: Stack) -> str:
    """The function that ran; a common helper with its caller: skb_copy_ubufs (__pi_memcpy)."""
    ran = strip_suffix(stack[-1])
    caller = next((frame for frame in reversed(stack) if not _helps(frame)), stack[-1])
    return ran if caller == stack[-1] else f"{strip_suffix(caller)} ({ran})"


@cache
def _helps(frame: str) -> bool:
    return _HELPER.match(frame) is not None
