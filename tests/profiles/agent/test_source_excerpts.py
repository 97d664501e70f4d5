"""A report can quote the servers' code as it was: the pieces that matter are found, and are the files' own words."""

from pathlib import Path

import pytest

from profiles.agent import source_excerpts
from profiles.store.run_facts import Code
from profiles.store.run_folder import RunFolder
from servers import discovery
from tests.conftest import PROJECT


@pytest.fixture(scope="module")
def found() -> tuple[Code, ...]:
    return source_excerpts.read(PROJECT)


def test_a_request_is_received_named_and_answered_and_every_mode_sends(found: tuple[Code, ...]) -> None:
    assert [piece.step for piece in found if piece.mode is None] == ["receive", "name", "answer"]
    assert [piece.mode for piece in found if piece.step == "send"] == list(discovery.names())
    assert all("def send_file(" in piece.text for piece in found if piece.step == "send")


def test_a_piece_stands_where_it_says(found: tuple[Code, ...]) -> None:
    for piece in found:
        lines = (PROJECT / piece.path).read_text().splitlines()
        quoted = piece.text.splitlines()
        there = lines[piece.line - 1 : piece.line - 1 + len(quoted)]
        assert [line.strip() for line in there] == [line.strip() for line in quoted], piece.path


def test_a_function_that_has_gone_is_missed_by_name(tmp_path: Path) -> None:
    (tmp_path / "servers" / "http").mkdir(parents=True)
    (tmp_path / "servers/http/request_reader.py").write_text("class RequestReader:\n    pass\n")
    with pytest.raises(LookupError, match=r"request_reader\.py defines no next"):
        source_excerpts.read(tmp_path)


def test_it_is_kept_in_the_runs_folder(tmp_path: Path, found: tuple[Code, ...]) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read(Code) == ()
    folder.append(*found)
    assert folder.read(Code) == found
