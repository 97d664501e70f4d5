"""Synthetic runs of rounds and slices (docs/method.md §2): real records in a real folder."""

import dataclasses
import random
from pathlib import Path
from typing import Any

from profiles.store.records import Cell, Run, Slice
from profiles.store.run_facts import Fact
from profiles.store.run_folder import RunFolder
from tests.reports import synthetic

VARIANTS = ("read-send", "sendfile", "sendfile@chunk=64KiB", "read-send@again")
ENDED = "every interval was within ±5 % after 9 rounds"


def run(modes: tuple[str, ...] = ("read-send", "sendfile"), rounds: int = 9, **changes: Any) -> Run:
    whole = synthetic.run(modes, rounds, slice_s=0.15, sweeps=2, warm_up_s=0.0, window_s=0.0, stopped=ENDED)
    proved: dict[str, Fact] = {"process clock": "excludes steal: wall - CPU 0.021 s, steal 0.020 s in 5 s"}
    known = dataclasses.replace(whole, host=whole.host | proved, clock_excludes_steal=True, rounds_planned=24)
    return dataclasses.replace(known, **changes)


def cells(of: Run) -> list[Cell]:
    return [
        _cell(of, mode, number, position)
        for number, modes in enumerate(of.order, 1)
        for position, mode in enumerate(modes, 1)
    ]


def _cell(of: Run, mode: str, number: int, position: int) -> Cell:
    """That of synthetic.cell, cut to whole cycles: every slice has as many, and every byte belongs to a download."""
    whole, count = synthetic.cell(mode, number, position), 2 * of.sweeps
    downloads = max(1, whole.downloads // (count * of.users)) * count * of.users
    share = downloads * synthetic.SIZE_BYTES / whole.received_bytes
    counters = {facts.name for facts in of.metrics if facts.per_gib}
    cut = {name: value * share for name, value in whole.metrics.items() if name in counters and value is not None}
    return dataclasses.replace(
        whole,
        started_s=8.0 * number + 0.2 * position,
        wall_s=whole.wall_s * share,
        received_bytes=downloads * synthetic.SIZE_BYTES,
        downloads=downloads,
        slices=count,
        span_s=whole.wall_s * share + 0.01 * count,
        metrics=whole.metrics | cut | {"idle_cores": 0.0},
    )


def slices(of: Run, rows: list[Cell]) -> list[Slice]:
    """Mirrored sweeps: A B B A."""
    found: list[Slice] = []
    for number, modes in enumerate(of.order, 1):
        at_s, rng = 8.0 * number, random.Random(number)
        of_round = {cell.mode: cell for cell in rows if cell.round == number}
        for place, mode in enumerate((*modes, *modes[::-1]) * of.sweeps, 1):
            if cell := of_round.get(mode):
                found.append(_slice(cell, place, at_s, rng.lognormvariate(0, 0.05), of.users))
                at_s += found[-1].span_s
    return found


def _slice(cell: Cell, number: int, started_s: float, noise: float, users: int) -> Slice:
    share = 1 / cell.slices
    server, client = (
        sum(cell.metrics[f"{role}_{part}_s"] or 0.0 for part in ("user", "system")) for role in ("server", "client")
    )
    wall_s, received = cell.wall_s * share * noise, cell.received_bytes // cell.slices
    cycles = cell.downloads // (cell.slices * users)
    cpu = (server * share * noise, client * share * noise, 0.001)
    return Slice(cell.round, number, cell.mode, started_s, wall_s, wall_s + 0.01, cycles, received, 0, *cpu)


def write(folder: Path, of: Run, rows: list[Cell] | None = None, **passes: Any) -> RunFolder:
    """The run's folder; passes as for synthetic.write."""
    rows = cells(of) if rows is None else rows
    stored = synthetic.write(folder, of, rows, **({"sampled": False} | passes))
    stored.append(*slices(of, rows))
    return stored
