"""A class that never was: reports of machines that differ by a known amount, in files as they are handed in."""

import dataclasses
import math
import random
from pathlib import Path
from typing import Any

from profiles.store.records import Cell
from profiles.store.run_facts import Code, Fact
from reports import page
from reports.run_data import RunData, read_run
from reports.sections import data
from tests.reports import sliced

CPUS = ("Example CPU @ 3.0 GHz", "Another CPU 7000", "Third CPU")


def machine(number: int) -> dict[str, Fact]:
    """Facts of the host, another machine for each number."""
    return {
        "cpu_model": CPUS[number % 3],
        "cpus": 2 + 2 * (number % 4),
        "memory_bytes": (8 << 30) + number * 4096,
        "swap_bytes": 0,
        "kernel": f"Linux 6.{8 + number % 3}.0-generic",
        "kernel_command_line": f"root=UUID={number}",
        "boot_id": f"boot-{number}",
        "virtualisation": "kvm" if number % 2 else "none",
        "fsrm": "yes" if number % 3 else "no",
        "memory_copy_gib_per_s": 6.0 + number % 7,
    }


def run(
    folder: Path, number: int, *, factor: float = 1.0, stem: str = "", failing: str = "", code: str = "", **changes: Any
) -> RunData:
    """A run on the machine of this number. factor: what sendfile costs there, as a multiple of what it costs elsewhere.
    failing: a mode with a failed request, which makes it void. code: that the modes ran. host, software: facts that
    differ from the machine's."""
    facts = {
        "name": changes.pop("run_name", f"run-{number}"),
        "seed": number,
        "started_at": f"2026-03-01T12:{number % 60:02}:00+00:00",
    }
    host, software = changes.pop("host", {}), changes.pop("software", {})
    of = sliced.run(changes.pop("modes", ("read-send", "sendfile")), changes.pop("rounds", 9), **facts | changes)
    of = dataclasses.replace(of, host=of.host | machine(number) | host, software=of.software | software)
    cells = [_changed(cell, factor, failing) for cell in sliced.cells(of)]
    stored = sliced.write(folder / f"profiles-{stem or number}", of, cells, flame=None)
    if code:
        stored.append(*(Code("send", mode, f"{mode}.py", 1, code) for mode in of.modes))
    return read_run(stored)


def _changed(cell: Cell, factor: float, failing: str) -> Cell:
    cost = cell.metrics["server_cpu_s_per_gib"]
    assert cost is not None
    metrics = cell.metrics | {"server_cpu_s_per_gib": cost * (factor if cell.mode == "sendfile" else 1)}
    failed: dict[str, Any] = {"failures": 1, "failure_names": {"reset": 1}} if cell.mode == failing else {}
    return dataclasses.replace(cell, metrics=metrics, **failed)


def hand_in(folder: Path, number: int, name: str = "", *, whole: bool = False, **changes: Any) -> Path:
    """A report in a file of its own, called after the student: the section of its data, which is all that is read, or
    the whole page."""
    path = folder / f"{name or f'student-{number}'}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = run(folder / ".made", number, stem=path.stem, **changes)
    path.write_text(page.page(made) if whole else data.render(made))
    return path


def factors(count: int, between: float, seed: int = 4) -> list[float]:
    """What sendfile costs on each machine: log-normal, with this standard deviation."""
    drawn = random.Random(seed)
    return [math.exp(drawn.gauss(0, between)) for _ in range(count)]
