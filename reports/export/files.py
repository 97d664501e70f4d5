"""A run as files: tables as CSV for spreadsheets and Parquet for notebooks, what was found as JSON and Markdown, what
programs read that watch benchmarks, and the profiles of its modes for the tools that draw them.

Its rule: a table is the same in both, and each column has one type. DuckDB writes the Parquet.
"""

import json
import tempfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import duckdb

from errors import UserError
from profiles.store.files import write_file
from reports.export.benchmarks import as_bmf, as_gha
from reports.export.summary import as_json, as_markdown
from reports.export.table import Table, as_csv, rounds, slices
from reports.export.trend import trend
from reports.flames.formats import table as profiles_table
from reports.flames.formats.sampled_stacks import sampled_stacks
from reports.mode_names import file_name
from reports.run_data import RunData, read_campaign

_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN"}


def export(
    profiles: Path,
    name: str | None,
    formats: Collection[str],
    reports: Path,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Write the named run, or the latest, in these formats beside its report; returns the paths.

    tell: takes a line about modes without a profile. Raises UserError, also where there is nothing to write.
    """
    asked = [row for each, row in PROFILE_FORMATS.items() if each in formats]
    run = read_campaign(profiles, name, whole=bool(asked))
    files = [(answer.run.name, *file) for answer in run.answers for file in _files(answer, profiles, formats)]
    if asked:
        recorded = {mode: sampled_stacks(run, mode) for mode in run.dataset.modes}
        files += [
            (run.run.name, file_name(mode, ending), content)
            for mode, sampled in recorded.items()
            if sampled
            for ending, content in (row.file(sampled) for row in asked)
        ]
        if missing := [mode for mode, sampled in recorded.items() if not sampled]:
            tell(f"no profile is on record of {', '.join(missing)}; the report of {run.run.name} says why")
    if not files:
        raise UserError(f"run {run.run.name!r} has no profile to write")
    return [write_file(reports / folder / name, content) for folder, name, content in files]


def _files(run: RunData, profiles: Path, formats: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Names and contents."""
    tables = {"rounds": rounds(run)} | ({"slices": slices(run)} if run.slices else {})
    tables |= {"trend": trend(run, profiles)} if any(each in formats for each in _TABLES) else {}
    for name, table in tables.items():
        yield from ((f"{name}.{each}", write(table)) for each, write in _TABLES.items() if each in formats)
    yield from ((name, write(run)) for each, (name, write) in _SUMMARIES.items() if each in formats)


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


_TABLES: dict[str, Callable[[Table], bytes]] = {
    "csv": lambda table: as_csv(table).encode(),
    "parquet": as_parquet,
}
_SUMMARIES: dict[str, tuple[str, Callable[[RunData], bytes]]] = {
    "json": ("summary.json", as_json),
    "markdown": ("summary.md", lambda run: as_markdown(run).encode()),
    "bmf": ("bencher.json", as_bmf),
    "gha": ("github-action-benchmark.json", as_gha),
}
PROFILE_FORMATS = {row.name: row for row in profiles_table.FORMATS}
FORMATS: tuple[str, ...] = (*_TABLES, *_SUMMARIES, *PROFILE_FORMATS)
