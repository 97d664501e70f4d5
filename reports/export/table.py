"""The rounds of a run as one flat table: a row per cell, for spreadsheets and notebooks.

Its rule: it holds every cell, those of dropped and incomplete rounds too; `judged` marks those that the verdict rests
on. What is unknown stays empty. Latency histograms stay in the records.
"""

import csv
import io
import json
from dataclasses import dataclass, fields

from profiles.store.records import Cell
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


def table(run: RunData) -> Table:
    """The cells in the order in which they were measured. A metric named like another column (in any case) gets a
    number."""
    cells = sorted(run.dataset.cells, key=lambda cell: (cell.round, cell.position))
    own = [field.name for field in fields(Cell) if field.name not in _APART]
    metrics = list(dict.fromkeys(name for cell in cells for name in cell.metrics))
    judged = {number_of(found) for found in run.dataset.rounds}
    first = ["run", *own, "judged"]
    rows = [
        (
            run.run.name,
            *(_plain(getattr(cell, name)) for name in own),
            cell.round in judged,
            *(cell.metrics.get(name) for name in metrics),
        )
        for cell in cells
    ]
    types = [type(value) for value in rows[0][: len(first)]] + [float] * len(metrics)
    return Table(tuple(_distinct([*first, *metrics])), tuple(types), tuple(rows))


def as_csv(table: Table) -> str:
    """RFC 4180 with a header; empty is unknown."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def _plain(value: object) -> Value:
    """Mappings become JSON."""
    if isinstance(value, str | int | float):
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
