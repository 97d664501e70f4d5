"""A file is replaced as a whole, or stays as it was; nothing is left beside it."""

import os
from pathlib import Path

import pytest

from errors import UserError
from profiles.store.files import append_lines, write_file


def test_it_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "page.html"
    assert write_file(path, b"one") == path
    write_file(path, b"two")
    assert path.read_bytes() == b"two" and os.listdir(path.parent) == ["page.html"]  # noqa: PTH208


def test_a_secret_is_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    rename = Path.rename

    def watched(beside: Path, path: Path) -> Path:
        seen.append(beside.stat().st_mode & 0o777)
        return rename(beside, path)

    monkeypatch.setattr(Path, "rename", watched)
    write_file(tmp_path / "token", b"secret", mode=0o600)
    assert seen == [0o600] == [(tmp_path / "token").stat().st_mode & 0o777]


def test_what_cannot_be_written_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_file(tmp_path / "run.json", b"old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        UserError, match=r"cannot write .*run\.json: No space left on device; free some .*; rounds stay$"
    ):
        write_file(path, b"new", kept="; rounds stay")
    assert path.read_bytes() == b"old" and [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_a_folder_that_has_gone_is_not_made_again(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file or directory"):
        write_file(tmp_path / "gone" / "run.json", b"", make_parents=False)


def test_lines_are_added(tmp_path: Path) -> None:
    path = tmp_path / "rounds.jsonl"
    append_lines(path, b"1\n")
    append_lines(path, b"2\n3\n")
    assert path.read_bytes() == b"1\n2\n3\n"
