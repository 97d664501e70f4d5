"""Copies of reading are counted of a file that stays in memory; a try in which it did not is made again."""

from pathlib import Path
from typing import cast

import pytest

from profiles.checks import trial


class Fake:
    """A trial of which nothing but the file is looked at."""

    def __init__(self, path: Path) -> None:
        self.path = path


@pytest.mark.parametrize(
    ("tries", "copies"),
    [
        ([(1.0, 0)], 1.0),
        ([(-0.17, 4096), (0.0, 0)], 0.0),
        ([(0.0, trial.FILE_BYTES + 4096)], 0.0),  # O_DIRECT: all of it by DMA
        ([(0.5, 4096)] * trial.TRIES, None),
    ],
)
def test_a_try_with_bytes_from_the_disk_counts_only_if_all_came_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tries: list[tuple[float, int]], copies: float | None
) -> None:
    (tmp_path / "file").write_bytes(b"x")
    left = iter(tries)
    monkeypatch.setattr(trial, "_copies_once", lambda _: next(left))
    assert trial._read_copies(cast(trial._Trial, Fake(tmp_path / "file"))) == copies
    assert next(left, None) is None
