"""Folded stacks as trees to draw: one mode's, and the difference of two.

Its rule: pure, and in CPU milliseconds per GiB, so that modes can be compared whatever they served.

Two data paths enter the kernel by different calls (`preadv` and `sendto`, `sendfile`), so drawn from the Python line
down they would have no frame in common. For a difference both are re-rooted: each stack begins at its outermost kernel
frame that the other mode has too; stacks without such a frame stay whole below their call.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from reports.flames.copy_tax import COPYING, KERNEL, PYTHON, Stack, group_of

Tree = dict[str, Any]  # name, value (ms/GiB), children; kind or delta (ms/GiB)

MIN_SHARE = 0.001  # of the whole; narrower frames are invisible
_WAY_IN = re.compile(
    r"entry_|do_syscall_|syscall_|(asm_)?sysvec_|asm_exc|__x64_sys_|__se_sys_|__do_sys_|__sys_|ksys_|do_fast"
)
_HELPER = re.compile(r"(__pi_|__)?mem(cpy|move|set)|rep_movs|\[(?!lib)")  # or a frame without a symbol


@dataclass(slots=True)
class _Frame:
    """Stacks that begin alike: the sum of their values, and how they continue."""

    value: float = 0.0
    below: dict[str, "_Frame"] = field(default_factory=dict)


def _merged(stacks: Iterable[tuple[Stack, float]]) -> _Frame:
    root = _Frame()
    for stack, value in stacks:
        root.value += value
        frame = root
        for name in stack:
            found = frame.below.get(name)
            frame = found if found else frame.below.setdefault(name, _Frame())
            frame.value += value
    return root


def tree(stacks: Mapping[Stack, float], root: str, least_share: float = MIN_SHARE) -> Tree:
    """One mode's flame graph, without frames below that share of the whole. kind: see kind_of."""
    whole = _merged(stacks.items())
    return _node(root, whole, least_share * whole.value) | {"kind": "root"}


def _node(name: str, frame: _Frame, least: float) -> Tree:
    children = [_node(each, below, least) for each, below in sorted(frame.below.items()) if below.value >= least]
    return {"name": strip_suffix(name), "kind": kind_of(name), "value": round(frame.value, 3), "children": children}


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
    whole = _merged(stacks.items())
    found: dict[Stack, float] = {}
    for stack, value in stacks.items():
        kept = stack[: max(1, _depth(stack, whole, least_share * whole.value))]
        found[kept] = found.get(kept, 0.0) + value
    return found


def _depth(stack: Stack, frame: _Frame, least: float) -> int:
    """How many frames of the stack are not below least."""
    for depth, name in enumerate(stack):
        frame = frame.below[name]
        if frame.value < least:
            return depth
    return len(stack)


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
    stacks: Mapping[Stack, float],
    other: Mapping[Stack, float],
    root: str,
    least_share: float = MIN_SHARE,
    *,
    reroot: bool = True,
) -> Tree:
    """The first mode's tree, re-rooted; delta: how much more each frame costs than in the other mode.

    Frames that only the other mode has are missing, so a picture shows both directions. reroot: not needed where both
    are the same mode.
    """
    ours, theirs = (rerooted(stacks, other), rerooted(other, stacks)) if reroot else (stacks, other)
    drawn = tree(ours, root, least_share)
    plain = ((tuple(map(strip_suffix, stack)), value) for stack, value in theirs.items())
    _add_deltas(drawn, _merged(plain))
    return drawn


def _add_deltas(node: Tree, other: _Frame | None) -> None:
    node["delta"] = round(node["value"] - (other.value if other else 0.0), 3)
    for child in node["children"]:
        _add_deltas(child, other.below.get(child["name"]) if other else None)


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
