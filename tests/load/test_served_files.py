"""A file for each size: one that is served is never touched by whoever wants another."""

from argparse import Namespace
from pathlib import Path

import pytest

from errors import UserError
from load.served_files import ROOT, ServedFile, make_file, served_link
from servers import payload


def asked(root: Path | None, size: str | None) -> ServedFile:
    return ServedFile.asked_for(Namespace(root=root, size=size), "2KiB")


def test_a_size_has_a_folder_and_a_root_alone_is_served_as_it_is(served: Path) -> None:
    size_bytes = (served / payload.NAME).stat().st_size
    alone = asked(served, None)
    assert (alone.make(), alone.now_bytes) == (served, size_bytes)
    assert (asked(None, None).root, asked(None, None).now_bytes) == (ROOT, 2048)
    sized = asked(served, "4KiB")
    assert (sized.now_bytes, sized.make()) == (4096, served / "4KiB")
    assert (served / payload.NAME).stat().st_size == size_bytes


def test_two_sizes_never_fight_and_a_file_is_made_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = make_file(tmp_path, 4096) / payload.NAME
    before = file.stat()
    make_file(tmp_path, 8192)
    assert make_file(tmp_path, 4096) / payload.NAME == file
    after = file.stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns)
    assert capfd.readouterr().err.count("making the test file of ") == 2


def test_a_link_serves_one_size_after_another_and_touches_no_file(tmp_path: Path) -> None:
    with served_link(tmp_path) as link:
        link.serve(4096)
        file = tmp_path / "4KiB" / payload.NAME
        before = file.stat()
        assert (link.path / payload.NAME).samefile(file)
        link.serve(8192)
        assert (link.path / payload.NAME).stat().st_size == 8192
        assert file.stat().st_ctime_ns == before.st_ctime_ns
    assert not link.path.exists() and file.exists()


def test_what_cannot_be_made_is_one_line() -> None:
    with pytest.raises(UserError, match=r"^cannot make /proc/here/4KiB/test-file\.bin of 4 KiB: [^\n]*$"):
        make_file(Path("/proc/here"), 4096)
