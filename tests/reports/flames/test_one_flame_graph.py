"""What perf recorded of a load that still runs is drawn as in the report, or it is said why not."""

from dataclasses import replace
from pathlib import Path

import pytest

from errors import UserError
from profiles.store.records import DeepProfile
from profiles.store.run_folder import RunFolder
from reports.flames.__main__ import newest, page
from tests.reports import synthetic


def recorded(folder: Path, *profiles: DeepProfile) -> RunFolder:
    run = RunFolder(folder / "run")
    run.create()
    run.write_file("sendfile.folded", b"send_file (servers/modes/sendfile.py:24)_[p];do_sendfile_[k] 30\n")
    run.append(*profiles)
    return run


def profile(folded: str | None = "sendfile.folded", received_bytes: int = 1 << 30) -> DeepProfile:
    cell = replace(synthetic.cell("sendfile", 1, 1), received_bytes=received_bytes, wall_s=1.0)
    return DeepProfile("sendfile", cell, folded, rate_hz=1000, counted_s=1.0)


def test_the_newest_profile_is_drawn_per_gib(tmp_path: Path) -> None:
    found = newest(recorded(tmp_path, profile(received_bytes=5), profile()), "sendfile")
    assert found.samples == 30 and found.total_ms == pytest.approx(30.0)
    drawn = page(found)
    assert (
        "30 CPU ms/GiB, 30 samples" in drawn
        and 'id="flame-trees"' in drawn
        and "http" not in drawn.split("<script>")[0]
    )


@pytest.mark.parametrize(
    ("profiles", "says"),
    [
        ([], "run run has no perf profile of sendfile"),
        ([profile(folded=None)], "run run has no perf profile of sendfile"),
        ([profile(received_bytes=0)], "no byte arrived from sendfile while perf recorded it"),
    ],
)
def test_what_cannot_be_drawn_is_said(tmp_path: Path, profiles: list[DeepProfile], says: str) -> None:
    with pytest.raises(UserError, match=says):
        newest(recorded(tmp_path, *profiles), "sendfile")
