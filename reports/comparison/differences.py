"""How two runs differ (docs/method.md §8): in the question they answer, in the machine, and which differences matter.

Its rule: a field of the record that is not listed here counts as part of the question. A new one then stops a
comparison with a clear message, instead of letting two different questions pass as one.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

from profiles.store.records import Run
from profiles.store.run_facts import TargetFacts
from reports.analysis.text import UNKNOWN, quantity
from reports.analysis.workload import label
from reports.explanations import layout

# fmt: off
# Who, when, how precisely, how it went, and on which machine.
NOT_PART_OF_QUESTION = {
    "name", "state", "started_at", "ended_at", "reason", "command", "seed", "order", "schema", "metrics", "skipped",
    "gib_per_day", "rounds_planned", "precision", "stopped", "repeats", "duplicate", "floor", "baseline", "congestion",
    "rate_bytes_per_s", "pilot_bytes_per_s", "warm_up_s", "window_s", "slice_s", "sweeps", "seconds", "quick",
    "clock_excludes_steal", "voids", "sample_interval_s", "file", "targets", "host", "software",
}
# Different in any two runs, or shown elsewhere.
HIDDEN = {
    "name", "started_at", "ended_at", "order", "metrics", "command", "repeats", "floor", "file", "targets",
    "congestion", "rate_bytes_per_s", "pilot_bytes_per_s", "voids", "warm_up_s", "window_s", "slice_s", "sweeps",
}
SHOWN_FIRST = (
    "rate", "cpu model", "cpus", "virtualisation", "kernel", "mitigations", "governor", "cgroup cpu max", "pinning",
    "congestion control", "interface", "mtu", "layout of a round", "modes", "baseline", "git revision",
    "git dirty", "python", "libc", "locust", "file system",
)
# fmt: on
NOT_RECORDED = "not on record"
# Read anew for each run; what follows from the clock's figures is clock_excludes_steal.
OWN_FACTS = ("process clock", "boot_id", "memory_copy_gib_per_s")
RATE_APART = 1.1  # a rate that every paced run finds anew may differ by a tenth
CONGESTION = " congestion"
MACHINE = ("cpu_model", "cpus", "virtualisation")


@dataclass(frozen=True, slots=True)
class Difference:
    """question: the runs answer different questions. matters: it can change the numbers, so it is shown first."""

    name: str
    a: str
    b: str
    question: bool
    matters: bool


def differences(a: Run, b: Run) -> tuple[Difference, ...]:
    """Only what differs: the question first, then what matters, then the rest in the order of the records."""
    both = tuple(mode for mode in a.modes if mode in b.modes)
    asked = question(a, both), question(b, both)
    fields = asked[0] | _context_fields(a, both), asked[1] | _context_fields(b, both)
    questions = asked[0] | asked[1]
    names = dict.fromkeys([*questions, *SHOWN_FIRST, *fields[0], *fields[1]])
    values = [(name, *(each.get(name, NOT_RECORDED) for each in fields)) for name in names]
    return tuple(
        Difference(name, left, right, name in questions, name in questions or name in SHOWN_FIRST)
        for name, left, right in values
        if left != right
    )


def question(run: Run, modes: tuple[str, ...]) -> dict[str, str]:
    """The question as text: settings, the file's size, and the options and congestion control of these modes."""
    record: dict[str, Any] = msgspec.to_builtins(run)
    asked = {
        _label(name): _text(name, value) for name, value in record.items() if value and name not in NOT_PART_OF_QUESTION
    }
    asked["file size"] = quantity(run.file.size_bytes, "bytes")
    for target in run.targets:
        if target.name in modes:
            asked |= {f"{target.name} {name}": _text("_bytes", size) for name, size in target.options.items()}
            control = run.congestion.get(target.name)
            asked |= {f"{target.name}{CONGESTION}": control} if control else {}
    return asked


def other_question(a: Run, b: Run, modes: tuple[str, ...]) -> str | None:
    """Why these modes answer different questions in the two runs; None where they answer the same one."""
    asked = question(a, modes), question(b, modes)
    values = [(name, asked[0].get(name), asked[1].get(name)) for name in asked[0] | asked[1]]
    unlike = [
        f"{name} {left or NOT_RECORDED} against {right or NOT_RECORDED}"
        for name, left, right in values
        if left != right and not (name.endswith(CONGESTION) and None in (left, right))  # unknown in one
    ]
    one, other = a.rate_bytes_per_s, b.rate_bytes_per_s
    if one and other and max(one, other) > RATE_APART * min(one, other):
        unlike.append(f"rate {quantity(one, 'bytes')}/s against {quantity(other, 'bytes')}/s")
    return "; ".join(unlike) or None


def machine(run: Run) -> str:
    """What identifies a machine. Its kernel may change: that is what runs are compared for."""
    model, cpus, virtualisation = (run.host.get(name) for name in MACHINE)
    return f"{model or UNKNOWN}, {cpus or UNKNOWN} CPU{'s' * (cpus != 1)}, {virtualisation or UNKNOWN}"


def _context_fields(run: Run, modes: tuple[str, ...]) -> dict[str, str]:
    record: dict[str, Any] = msgspec.to_builtins(run)
    facts = {name: value for name, value in record.items() if name not in HIDDEN and name in NOT_PART_OF_QUESTION}
    facts |= facts.pop("host") | facts.pop("software")
    fields = {_label(name): _text(name, value) for name, value in facts.items() if name not in OWN_FACTS}
    fields |= {
        "modes": ", ".join(run.modes),
        "duplicate": run.duplicate or "none",
        "rate": label(run),
        "layout of a round": layout(run),
    }
    pilot = [f"{mode} {quantity(reached, 'bytes')}/s" for mode, reached in run.pilot_bytes_per_s.items()]
    fields |= {"pilot": ", ".join(pilot) or "none"}
    fields |= {"file": run.file.path, "file system": run.file.filesystem, "file's SHA-256": run.file.sha256}
    for target in (target for target in run.targets if target.name in modes):
        fields |= {target.name: target.summary, f"{target.name} copies (model)": _copies(target)}
    return fields


def _copies(target: TargetFacts) -> str:
    return ", ".join(f"{copy.source} to {copy.destination} by {copy.by}" for copy in target.copies) or "none"


def _label(name: str) -> str:
    return name.removesuffix("_bytes").replace("_", " ")


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        return UNKNOWN
    if name.endswith("_bytes") and isinstance(value, int):
        return quantity(value, "bytes")
    if isinstance(value, dict):
        return "; ".join(f"{key}: {inner}" for key, inner in value.items()) or "none"
    return str(value)
