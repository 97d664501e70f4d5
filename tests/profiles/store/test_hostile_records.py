"""Damaged or hostile records: each is one line that names the file, and the line in it; none of them blocks."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from profiles.store import aa_floors
from profiles.store.records import Cell, Sample
from profiles.store.run_folder import RunFolder
from profiles.store.sweep_folder import SweepFolder
from tests.profiles.store.test_records import CELL, RUN

Damage = Callable[[Path], object]
BYTES: dict[str, bytes] = {
    "it is not UTF-8": b'{"mode": "\xff"}',
    "it is nested too deeply": b"[" * 100_000,
    "JSON is malformed": b'{"wall_s": NaN}',
    "Number out of range": b'{"wall_s": 1e999}',
    "is not a": b"7",
    "truncated": b'{"round":',
}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "run")
    made.create()
    made.write_run(replace(RUN, state="done"))
    made.append(CELL)
    return made


def one_line(read: Callable[[], object], *says: str) -> None:
    with pytest.raises(UserError) as refused:
        read()
    text = str(refused.value)
    assert "\n" not in text and len(text) < 600 and all(word in text for word in says), text


@pytest.mark.parametrize("says", BYTES)
def test_bytes_that_are_no_record_are_named_by_file_and_line(folder: RunFolder, says: str) -> None:
    with (folder.path / "rounds.jsonl").open("ab") as file:
        file.write(BYTES[says] + b"\n")
    one_line(folder.read_cells, "rounds.jsonl, line 2", says)
    (folder.path / "run.json").write_bytes(b"\n\n" + BYTES[says])
    one_line(folder.read_run, "run.json", says)
    (folder.path / "sweep.json").write_bytes(BYTES[says])
    one_line(SweepFolder(folder.path).read, "sweep.json", says)
    (folder.path / "calibration.jsonl").write_bytes(BYTES[says])
    one_line(lambda: aa_floors.load_floor(folder.path, {}), "calibration.jsonl, line 1", says)


def test_where_a_whole_file_is_damaged_its_line_is_said(folder: RunFolder) -> None:
    lines = (folder.path / "run.json").read_bytes().splitlines()
    for damaged in (b'  "seed": NaN,', b'  "name": "\xff",'):
        (folder.path / "run.json").write_bytes(b"\n".join([*lines[:6], damaged, *lines[7:]]))
        one_line(folder.read_run, "run.json, line 7")


NUMBERS: dict[str, Any] = {
    "round": -1, "failures": -1, "downloads": 2**64, "received_bytes": -5, "wall_s": -0.1, "span_s": 1e308,
    "slices": 1.5, "server_user_s": 1e308, "steal_s": -1e300, "failure_names": {"reset": -1}, "offered_bytes": 10**30,
    "server_cpu_s_per_gib": 5e-324, "gib_per_s": -1e-310,
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_that_no_cell_can_have_are_refused(folder: RunFolder, name: str) -> None:
    path = folder.path / "rounds.jsonl"
    row = json.loads(path.read_text())
    path.write_text(path.read_text() + json.dumps(row | {name: NUMBERS[name]}) + "\n")
    one_line(folder.read_cells, "rounds.jsonl, line 2", "Cell")


@pytest.mark.parametrize(
    "wrong",
    [
        {"users": -4}, {"seed": 10**400}, {"window_s": -1}, {"rate_bytes_per_s": -1}, {"precision": 1e300},
        {"file": {"size_bytes": -1}}, {"file": {"resident_share_before": -0.5}}, {"host": {"cpus": 1e308}},
        {"metrics": [7]}, {"metrics": [{}]}, {"targets": ["x"]}, {"targets": [{"port": 70_000}]},
    ],
    ids=str,
)  # fmt: skip
def test_numbers_that_no_run_can_have_are_refused(folder: RunFolder, wrong: dict[str, Any]) -> None:
    path = folder.path / "run.json"
    row = json.loads(path.read_text())
    ((name, value),) = wrong.items()
    row[name] = row[name] | value if isinstance(value, dict) else value
    path.write_text(json.dumps(row))
    one_line(folder.read_run, "run.json", "Run")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def link_to_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def directory(path: Path) -> None:
    path.mkdir()


def local_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    "damage", [pipe, link, link_to_endless, directory, local_socket], ids=lambda each: each.__name__
)
def test_what_is_no_plain_file_is_refused(folder: RunFolder, damage: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)  # the name of a socket is short
    for name, read in (("samples.jsonl", lambda: folder.read(Sample)), ("rounds.jsonl", lambda: folder.read(Cell))):
        (folder.path / name).unlink(missing_ok=True)
        damage(folder.path / name)
        one_line(read, name, "no plain file")
    (folder.path / "run.json").unlink()
    damage(folder.path / "run.json")
    one_line(folder.read_run, "run.json", "no plain file")
