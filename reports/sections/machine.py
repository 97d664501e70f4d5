"""Everything on record about the run, the machine and the software (docs/method.md §8)."""

from collections.abc import Mapping

from markupsafe import Markup

from profiles.store.records import Run
from reports.analysis.cpu_speed import cpu_speed
from reports.analysis.text import quantity
from reports.analysis.workload import sentence, turn
from reports.explanations import users_of
from reports.run_data import RunData
from reports.templating import fragment
from units import format_size

TITLE = "Machine, software and settings"
ORDER = 200
HINT = "everything on record about the run"

Value = str | int | float | None


def render(run: RunData) -> Markup:
    facts = run.run
    groups: list[tuple[str, list[tuple[str, Value]]]] = [
        ("Run", _run(facts)),
        ("File", _file(facts)),
        ("The servers' machine" if facts.load_host else "Machine", [*_facts(facts.host), *_clock(run.run), _loop(run)]),
        *([("The load's machine", _facts(facts.load_host))] if facts.load_host else []),
        ("Software", _facts(facts.software)),
    ]
    return fragment(
        "machine.html",
        groups=groups,
        targets=facts.targets,
        baseline=facts.baseline,
        order=facts.order,
        sweeps=facts.sweeps,
    )


def _facts(facts: Mapping[str, Value]) -> list[tuple[str, Value]]:
    return [(_words(name), _value(name, value)) for name, value in facts.items()]


def _run(run: Run) -> list[tuple[str, Value]]:
    return [
        ("name", run.name),
        ("state", f"{run.state}: {run.reason}" if run.reason else run.state),
        ("started", run.started_at),
        ("ended", run.ended_at),
        ("command", run.command),
        ("workload", sentence(run)),
        ("seed", run.seed),
        ("users", users_of(run)),
        ("what the client does with the bytes (sink)", run.sink),
        *(_windows(run) if run.slice_s is None else _slices(run)),
        ("sample interval", quantity(run.sample_interval_s, "s")),
        ("record format", run.schema),
    ]


def _windows(run: Run) -> list[tuple[str, Value]]:
    return [
        ("warm-up, discarded", quantity(run.warm_up_s, "s")),
        ("measured window", quantity(run.window_s, "s") if run.cache == "warm" else "one download"),
    ]


def _slices(run: Run) -> list[tuple[str, Value]]:
    whole = "" if run.cache == "cold" else "whole cycles of downloads that last "
    return [
        ("warm-up, discarded", "one download by each user, in each round"),
        ("slice", f"{whole}{turn(run)}"),
        ("mirrored sweeps over the modes in each round", run.sweeps),
        ("most rounds", run.rounds_planned),
        ("most time for the rounds", quantity(run.seconds, "s") if run.seconds else "no limit"),
        ("what ended the rounds", run.stopped),
    ]


_CLOCK = {True: "no: proved here", False: "yes, or partly: stolen time costs the mode that had it", None: None}


def _file(run: Run) -> list[tuple[str, Value]]:
    file = run.file
    return [
        ("path", file.path),
        ("size", f"{format_size(file.size_bytes)} ({file.size_bytes:,} bytes)"),
        ("SHA-256", file.sha256),
        ("file system", file.filesystem),
        ("share in the page cache before", _share(file.resident_share_before)),
        ("share in the page cache after", _share(file.resident_share_after)),
    ]


def _clock(run: Run) -> list[tuple[str, Value]]:
    """Whether stolen time is in the CPU seconds of a process (docs/method.md §6); not asked in a run of windows."""
    return (
        []
        if run.slice_s is None
        else [("stolen time counts as a process's CPU time", _CLOCK[run.clock_excludes_steal])]
    )


def _loop(run: RunData) -> tuple[str, Value]:
    speed = cpu_speed(run.dataset)
    text = f"{speed.low_us:,.0f} to {speed.high_us:,.0f} µs of CPU time in 80 % of the measurements" if speed else None
    return "CPU speed: a fixed loop on the servers' CPU took", text


def _share(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.3g} %"


def _words(name: str) -> str:
    """A fact's name as words; the value has the unit."""
    return name.removesuffix("_bytes").removesuffix("_gib_per_s").replace("_", " ")


def _value(name: str, value: Value) -> Value:
    if name.endswith("_gib_per_s"):
        return quantity(value, "GiB/s") if isinstance(value, int | float) else value
    return format_size(value) if name.endswith("_bytes") and isinstance(value, int | float) else value
