"""Runs that never happened, written in a moment: for the tests of what is done with several runs."""

import dataclasses
from pathlib import Path
from typing import Any

from profiles.store.records import Cell
from profiles.store.run_folder import RunFolder
from reports.run_data import RunData, read_campaign
from tests.reports import synthetic

MODES = ("read-send", "sendfile", "read-whole")


def write(
    profiles: Path, name: str, *, seed: int = 1, rounds: int = 8, dearer: float = 1.0, failing: str = "", **changes: Any
) -> RunFolder:
    """A run of this name. dearer: what sendfile costs, as a multiple of what it costs elsewhere. failing: a mode with
    a failed request, which makes it void."""
    run = synthetic.run(changes.pop("modes", MODES), rounds, name=name, seed=seed, **changes)
    cells = [_dearer(cell, dearer) if cell.mode == "sendfile" else cell for cell in synthetic.cells(run, seed)]
    cells = [
        dataclasses.replace(cell, failures=1, failure_names={"reset": 1}) if cell.mode == failing else cell
        for cell in cells
    ]
    return synthetic.write(profiles, run, cells, flame=None, sampled=False)


def _dearer(cell: Cell, factor: float) -> Cell:
    cost = cell.metrics["server_cpu_s_per_gib"]
    assert cost is not None
    return dataclasses.replace(cell, metrics=cell.metrics | {"server_cpu_s_per_gib": factor * cost})


def read(profiles: Path, name: str, **facts: Any) -> RunData:
    """Written, and read again."""
    write(profiles, name, **facts)
    return read_campaign(profiles, name)
