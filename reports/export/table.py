"""The rounds and the slices of a run as flat tables, for spreadsheets and notebooks: a row per cell, a row per slice.

Its rule: they hold everything that was measured, what was left out of the result too; `judged` marks the cells that the
verdict rests on. What is unknown stays empty. Latency histograms stay in the records.
"""

import csv
import io
import json
from dataclasses import dataclass, fields
from types import NoneType
from typing import get_args, get_type_hints

from profiles.store.records import Cell, Slice
from reports.analysis.rounds import number_of
from reports.run_data import RunData

_APART = ("metrics", "latency_histogram")

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Table:
    """types: of each column, one of str, int, float, bool."""

    columns: tuple[str, ...]
    types: tuple[type, ...]
    rows: tuple[tuple[Value, ...], ...]


def rounds(run: RunData) -> Table:
    """The cells, round by round, each in the order of the first turns of its modes. A metric named like another column
    (in any case) gets a number."""
    cells = sorted(run.dataset.cells, key=lambda cell: (cell.round, cell.position))
    own = [(name, kind) for name, kind in _columns(Cell) if name not in _APART]
    metrics = list(dict.fromkeys(name for cell in cells for name in cell.metrics))
    judged = {number_of(found) for found in run.dataset.rounds}
    rows = [
        (
            run.run.name,
            *(_plain(getattr(cell, name)) for name, _ in own),
            cell.round in judged,
            *(cell.metrics.get(name) for name in metrics),
        )
        for cell in cells
    ]
    columns = ["run", *(name for name, _ in own), "judged", *metrics]
    types = [str, *(kind for _, kind in own), bool, *[float] * len(metrics)]
    return Table(tuple(_distinct(columns)), tuple(types), tuple(rows))


def slices(run: RunData) -> Table:
    """The slices in the order in which they were measured."""
    own = _columns(Slice)
    rows = ((run.run.name, *(_plain(getattr(each, name)) for name, _ in own)) for each in run.slices)
    return Table(("run", *(name for name, _ in own)), (str, *(kind for _, kind in own)), tuple(rows))


def _columns(record: type) -> list[tuple[str, type]]:
    """The fields of a record with their types; a mapping is a str, as JSON."""
    hints = get_type_hints(record)
    found = [(field.name, hints[field.name]) for field in fields(record)]
    known = [(name, next((kind for kind in get_args(hint) if kind is not NoneType), hint)) for name, hint in found]
    return [(name, kind if kind in (str, int, float) else str) for name, kind in known]


def as_csv(table: Table) -> str:
    """RFC 4180 with a header; empty is unknown."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def _plain(value: object) -> Value:
    """Mappings become JSON."""
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False)


def _distinct(names: list[str]) -> list[str]:
    taken: set[str] = set()
    distinct = []
    for name in names:
        number, free = 1, name
        while free.casefold() in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free.casefold())
        distinct.append(free)
    return distinct
