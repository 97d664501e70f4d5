"""A run as files: rounds and slices as CSV for spreadsheets and Parquet for notebooks, what was found as JSON and
Markdown, and what programs read that watch benchmarks.

Its rule: both tables hold the same, and each column has one type. DuckDB writes the Parquet.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

import duckdb

from errors import UserError
from profiles.store.files import write_file
from reports.export.benchmarks import as_bmf, as_gha
from reports.export.summary import as_json, as_markdown
from reports.export.table import Table, as_csv, rounds, slices
from reports.run_data import RunData, read_campaign

Format = Literal["csv", "parquet", "json", "markdown", "bmf", "gha"]
FORMATS: tuple[Format, ...] = get_args(Format)
_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}


def export(profiles: Path, name: str | None, formats: tuple[Format, ...], reports: Path) -> list[Path]:
    """Write the named run, or the latest, in these formats beside its report; returns the paths. Raises UserError."""
    return [path for answer in read_campaign(profiles, name).answers for path in _write(answer, formats, reports)]


def _write(run: RunData, formats: tuple[Format, ...], reports: Path) -> list[Path]:
    tables = {"rounds": rounds(run)} | ({"slices": slices(run)} if run.slices else {})
    files = {
        f"{name}.{each}": write(table)
        for name, table in tables.items()
        for each, write in _TABLES.items()
        if each in formats
    }
    files |= {name: write(run) for each, (name, write) in _SUMMARIES.items() if each in formats}
    return [write_file(reports / run.run.name / name, content) for name, content in files.items()]


def as_parquet(table: Table) -> bytes:
    """Raises UserError for a value that its column cannot hold."""
    columns = {name: _TYPES[kind] for name, kind in zip(table.columns, table.types, strict=True)}
    lines = (json.dumps(dict(zip(table.columns, row, strict=True))) + "\n" for row in table.rows)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as memory:
        source, path = Path(folder) / "rows.jsonl", Path(folder) / "rows.parquet"
        source.write_text("".join(lines))
        try:
            memory.read_json(str(source), columns=columns, format="newline_delimited").write_parquet(str(path))
        except duckdb.Error as error:
            raise UserError(f"cannot write this table as Parquet: {str(error).splitlines()[0]}") from error
        return path.read_bytes()


_TABLES: dict[Format, Callable[[Table], bytes]] = {
    "csv": lambda table: as_csv(table).encode(),
    "parquet": as_parquet,
}
_SUMMARIES: dict[Format, tuple[str, Callable[[RunData], bytes]]] = {
    "json": ("summary.json", as_json),
    "markdown": ("summary.md", lambda run: as_markdown(run).encode()),
    "bmf": ("bencher.json", as_bmf),
    "gha": ("github-action-benchmark.json", as_gha),
}
