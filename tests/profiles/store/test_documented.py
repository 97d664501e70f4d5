"""Every field of every record says what it means: in a comment behind it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

FILES = [*sorted((PROJECT / "profiles" / "store").glob("*.py")), PROJECT / "profiles" / "protocol.py"]
NOT_STORED = ("Folder", "RunFolder", "SweepFolder")  # they write records and are none


def records(path: Path) -> Iterator[ast.ClassDef]:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name not in NOT_STORED:
            yield node


def undocumented(record: ast.ClassDef, lines: list[str]) -> Iterator[str]:
    if ast.get_docstring(record) is None:
        yield record.name
    for field in record.body:
        if isinstance(field, ast.AnnAssign) and "  # " not in lines[(field.end_lineno or 0) - 1]:
            yield f"{record.name}.{ast.unparse(field.target)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_field_of_a_record_is_documented(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert [name for record in records(path) for name in undocumented(record, lines)] == []


def test_records_are_found() -> None:
    found = {record.name for path in FILES for record in records(path)}
    assert {"Run", "Cell", "Proof", "TargetFacts", "Sweep", "Floor", "Recording"} <= found
