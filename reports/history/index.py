"""The index of all runs, in DuckDB.

Its rule: the folders below profiles/out are the truth, and the index can be deleted at any time. A run is read again
when its files changed, and all runs when the code of this room did.
"""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, fields
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

import reports
from errors import UserError
from profiles.store.run_folder import RUN_FILE, RunFolder
from profiles.store.sweep_folder import SweepFolder
from reports.analysis.text import printable
from reports.history.entries import Entry, History, ModeEntry, read

STORE_FILE = "history.duckdb"
WAIT_S = 10.0  # for another command that has the index open

_TABLES = """
    CREATE TABLE code (digest VARCHAR);
    CREATE TABLE runs (name VARCHAR, broken VARCHAR, started_at VARCHAR, state VARCHAR, validity VARCHAR,
        machine VARCHAR, kernel VARCHAR, question VARCHAR, baseline VARCHAR, rounds BIGINT, stamp VARCHAR);
    CREATE TABLE modes (run VARCHAR, mode VARCHAR, options VARCHAR, void BOOLEAN, cost DOUBLE, cost_low DOUBLE,
        cost_high DOUBLE, ratio DOUBLE, ratio_low DOUBLE, ratio_high DOUBLE, kind VARCHAR, sentence VARCHAR);
"""


def history(profiles: Path, store: Path) -> History:
    """Update the index and read it. Raises UserError where it cannot be written, or stays in use."""
    with _opened(store) as index:
        _refresh(index, profiles)
        entries = tuple(Entry(*row) for row in _rows(index, Entry, "runs", "broken IS NOT NULL, started_at, name"))
        found = tuple(ModeEntry(*row) for row in _rows(index, ModeEntry, "modes", "rowid"))
    return History(entries, {entry.name: tuple(each for each in found if each.run == entry.name) for entry in entries})


def _rows(index: duckdb.DuckDBPyConnection, kind: type[Entry | ModeEntry], table: str, order: str) -> list[Any]:
    names = ", ".join(field.name for field in fields(kind))
    return index.execute(f"SELECT {names} FROM {table} ORDER BY {order}").fetchall()


def _refresh(index: duckdb.DuckDBPyConnection, profiles: Path) -> None:
    """Read new and changed runs and forget deleted ones, in one transaction."""
    folders = {printable(RunFolder(folder).name): folder for folder in _folders(profiles)}
    stamps = {name: _stamp(folder) for name, folder in folders.items()}
    index.begin()
    known = dict(index.execute("SELECT name, stamp FROM runs").fetchall())
    for name in sorted(name for name in known if known[name] != stamps.get(name)):
        index.execute("DELETE FROM runs WHERE name = ?", [name])
        index.execute("DELETE FROM modes WHERE run = ?", [name])
    for name in sorted(name for name in stamps if stamps[name] != known.get(name)):
        entry, modes = read(name, folders[name])
        _insert(index, "runs", (*astuple(entry), stamps[name]))
        for mode in modes:
            _insert(index, "modes", astuple(mode))
    index.commit()


def _insert(index: duckdb.DuckDBPyConnection, table: str, row: tuple[Any, ...]) -> None:
    index.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


def _folders(profiles: Path) -> list[Path]:
    """Campaigns, their paced halves, and what cannot be read; no sweep, and no load by hand."""
    try:
        found = [path for path in profiles.iterdir() if path.is_dir()] if profiles.is_dir() else []
    except OSError as error:
        raise UserError(f"cannot look for runs in {profiles}: {error.strerror}; check its permissions") from error
    shown = [path for path in found if not path.name.startswith(".") and not SweepFolder(path).exists]
    runs = [path for path in shown if not _is_interactive(path)]
    return [*runs, *(paced.path for run in runs if ((paced := RunFolder(run).paced).path / RUN_FILE).is_file())]


def _is_interactive(folder: Path) -> bool:
    try:
        return RunFolder(folder).read_run().kind == "interactive"
    except UserError:
        return False  # listed, with the reason


def _stamp(folder: Path) -> str:
    """The names, sizes and times of the run's records: it changes with every write."""
    try:
        files = [(path.name, path.stat()) for path in sorted(folder.iterdir()) if path.suffix in (".json", ".jsonl")]
    except OSError as error:
        return f"unreadable: {error.strerror}"
    return " ".join(f"{name} {status.st_size} {status.st_mtime_ns}" for name, status in files)


@contextmanager
def _opened(store: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The index, rebuilt where it is missing, broken, or written by other code."""
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        index = _current(store) or _new(store)
    except (OSError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot open the list of runs: {reason}; it is safe to delete {store}") from error
    try:
        yield index
    finally:
        index.close()


def _current(store: Path) -> duckdb.DuckDBPyConnection | None:
    """The index if it is usable. Waits up to WAIT_S while another process has it open: DuckDB admits one."""
    deadline_s = time.monotonic() + WAIT_S
    while store.exists():
        try:
            index = duckdb.connect(str(store))
            if index.execute("SELECT digest FROM code").fetchall() == [(_code(),)]:
                return index
            index.close()
        except duckdb.Error as error:
            if "lock" in str(error) and time.monotonic() < deadline_s:
                time.sleep(0.1)
                continue
            if "lock" in str(error):
                raise
        return None
    return None


def _new(store: Path) -> duckdb.DuckDBPyConnection:
    for path in (store, store.with_name(f"{store.name}.wal")):
        path.unlink(missing_ok=True)
    index = duckdb.connect(str(store))
    index.execute(_TABLES)
    index.execute("INSERT INTO code VALUES (?)", [_code()])
    return index


@cache
def _code() -> str:
    """Digest of the code whose conclusions the index holds."""
    room = Path(reports.__file__).parent
    sources = sorted([*room.rglob("*.py"), *(room.parent / "profiles" / "store").glob("*.py")])
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
