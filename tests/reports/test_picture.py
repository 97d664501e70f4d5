"""The picture of the copies follows from the facts of any mode, and does not need colour to be read."""

import re

import pytest

from profiles.records import TargetFacts
from reports.picture import picture, summary
from servers.mode import Copy
from tests.reports import synthetic


def labels(target: TargetFacts) -> list[str]:
    return re.findall(r'class="pill-text"[^>]*>([^<]+)<', picture("p", target))


def test_read_and_send_copy_four_times_twice_by_the_cpu() -> None:
    target = synthetic.target("read-send")
    assert labels(target) == ["1 DMA", "2 CPU", "3 CPU", "4 DMA"]
    assert summary(target) == "4 copies of every byte: 2 by the CPU, 2 by DMA"


def test_sendfile_copies_twice_never_by_the_cpu() -> None:
    target = synthetic.target("sendfile")
    assert labels(target) == ["1 DMA", "2 DMA"]
    assert "0 by the CPU" in summary(target)
    assert picture("p", target).count('class="place idle"') == 2


def test_the_picture_says_in_words_what_it_shows() -> None:
    assert "CPU from page cache to user buffer, then CPU from user buffer to socket buffer" in picture(
        "p", synthetic.target("read-send")
    )


@pytest.mark.parametrize(
    "copies",
    [
        (),
        (Copy("disk", "NIC", "dma"),),
        (Copy("page cache", "page cache", "cpu"), Copy("page cache", "NIC", "dma")),
        (Copy("page cache", "user buffer", "cpu"), Copy("user buffer", "page cache", "cpu")),
    ],
)
def test_any_path_can_be_drawn(copies: tuple[Copy, ...]) -> None:
    target = TargetFacts("other", 1, "", copies)
    assert len(labels(target)) == len(copies)
    centres = re.findall(r'<rect class="pill-\w+" x="([\d.-]+)" y="([\d.-]+)"', picture("p", target))
    assert len(set(centres)) == len(copies), "labels must not lie on one another"
