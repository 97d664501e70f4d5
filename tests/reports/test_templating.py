"""Templates that cannot be kept compiled are compiled again: no reason not to write a report."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2.bccache import Bucket

from reports import templating


@pytest.fixture(autouse=True)
def nothing_is_cached() -> Iterator[None]:
    templating.environment.cache_clear()
    yield
    templating.environment.cache_clear()


def test_templates_are_kept_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(templating, "BUILD", tmp_path / "build")
    templating.environment().get_template("figure.html")
    (kept,) = (tmp_path / "build").iterdir()
    assert kept.stat().st_size > 0


def test_a_folder_that_cannot_be_made_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(templating, "BUILD", tmp_path / "file" / "build")
    assert templating.environment().get_template("figure.html")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        with Path("/dev/full").open("wb", buffering=0) as out:
            out.write(b"x")

    monkeypatch.setattr(templating, "BUILD", tmp_path)
    monkeypatch.setattr(Bucket, "write_bytecode", full)
    assert templating.environment().get_template("figure.html")
    assert list(tmp_path.iterdir()) == []
