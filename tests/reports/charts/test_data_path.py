"""The picture of the copies follows from the facts and the proof of any mode, and does not need colour to be read."""

import itertools
import re

import pytest

from profiles.store.proof import Proof
from profiles.store.run_facts import TargetFacts
from profiles.targets.catalog import discover
from reports.analysis.copies import statement, steps
from reports.charts.data_path import chapter_picture, picture, summary
from servers.mode import Copy
from tests.reports import synthetic

ENCRYPTED_BY_THE_PROCESS = TargetFacts(
    "tls", 1, "", (*synthetic.COPIES[:2], Copy("user buffer", "user buffer", "encryption"), *synthetic.COPIES[2:])
)
ENCRYPTED_BY_THE_KERNEL = TargetFacts(
    "ktls",
    2,
    "",
    (
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "socket buffer", "encryption"),
        Copy("socket buffer", "NIC", "dma"),
    ),
)
AS_READ_SEND = Proof("mode", "available", 2, 1.0, 0.0, model_read_copies=1)
BY_REFERENCE = Proof("mode", "available", 0, 0.0, 1.0, model_read_copies=0)
COPIED_AFTER_ALL = Proof("mode", "degraded", 0, 0.0, 0.0, 37, 37, model_read_copies=0)


def labels(target: TargetFacts, proof: Proof | None = None) -> list[str]:
    return re.findall(r'class="pill-text[^>]*>([^<]+)<', picture("p", target, proof))


def title(target: TargetFacts, proof: Proof | None = None) -> str:
    (found,) = re.findall(r"<title[^>]*>([^<]+)<", picture("p", target, proof))
    return str(found)


def test_read_and_send_copy_four_times_twice_by_the_cpu() -> None:
    target = synthetic.target("read-send")
    assert labels(target) == ["1 DMA", "2 CPU", "3 CPU", "4 DMA"]
    assert summary(target) == "4 copies of every byte: 2 by the CPU, 2 by DMA"


def test_sendfile_copies_twice_never_by_the_cpu() -> None:
    target = synthetic.target("sendfile")
    assert labels(target) == ["1 DMA", "2 DMA"]
    assert "0 by the CPU" in summary(target)
    assert picture("p", target).count('class="place idle"') == 2


def test_an_encryption_within_a_place_is_a_step_and_no_copy() -> None:
    assert labels(ENCRYPTED_BY_THE_PROCESS, AS_READ_SEND) == [
        *("1 DMA", "2 CPU ✓", "3 encryption", "4 CPU ✓", "5 DMA"),
    ]
    assert summary(ENCRYPTED_BY_THE_PROCESS) == (
        "4 copies of every byte: 2 by the CPU, 2 by DMA; encrypted within the user buffer"
    )
    assert "encryption in user buffer" in title(ENCRYPTED_BY_THE_PROCESS)


def test_an_encryption_on_the_way_is_a_copy_by_the_cpu() -> None:
    proof = Proof("ktls", "available", 1, 0.0, 0.0, model_read_copies=0)
    assert labels(ENCRYPTED_BY_THE_KERNEL, proof) == ["1 DMA", "2 encryption ✓", "3 DMA"]
    assert summary(ENCRYPTED_BY_THE_KERNEL) == (
        "3 copies of every byte: 1 by the CPU, 2 by DMA; encrypted on the way by the CPU"
    )


def test_what_was_found_as_it_is_drawn_is_confirmed() -> None:
    target = synthetic.target("read-send")
    assert labels(target, AS_READ_SEND) == ["1 DMA", "2 CPU ✓", "3 CPU ✓", "4 DMA"]
    assert statement(target, AS_READ_SEND) == (
        "CPU copies of every byte: 2 in the model, 2.00 measured (1.00 of reading, 1.00 of sending): confirmed."
    )
    assert "CPU from page cache to user buffer: confirmed, then CPU from user buffer to socket buffer: confirmed" in (
        title(target, AS_READ_SEND)
    )


def test_a_send_that_was_copied_after_all_is_drawn_though_the_model_has_it_not() -> None:
    target = synthetic.target("sendfile")
    assert labels(target, COPIED_AFTER_ALL) == ["1 DMA", "2 DMA ✗", "+1 CPU"]
    besides = "also CPU from page cache to socket buffer, 1 per byte: measured only"
    assert title(target, COPIED_AFTER_ALL).endswith(f"DMA from page cache to NIC: contradicted; {besides}")
    assert statement(target, COPIED_AFTER_ALL) == (
        "CPU copies of every byte: 0 in the model, 1.00 measured (0.00 of reading, 1.00 of sending): contradicted, "
        "the kernel copied 37 of 37 sends after all."
    )
    assert 'class="cpu measured-only"' in picture("p", target, COPIED_AFTER_ALL)


def test_a_mode_that_reads_and_sends_under_another_name_is_drawn_so() -> None:
    proof = Proof("liar", "degraded", 0, 1.0, 0.0, model_read_copies=0)
    found = [(step.source, step.destination) for step in steps(synthetic.target("sendfile"), proof)[2:]]
    assert found == [("page cache", "user buffer"), ("user buffer", "socket buffer")]


def test_copies_that_did_not_happen_are_contradicted_on_their_side_alone() -> None:
    proof = Proof("read-send", "degraded", 2, 1.0, 1.0, model_read_copies=1)
    assert labels(synthetic.target("read-send"), proof) == ["1 DMA", "2 CPU ✓", "3 CPU ✗", "4 DMA"]
    assert statement(synthetic.target("read-send"), proof).endswith("(1.00 of reading, 0.00 of sending): contradicted.")


@pytest.mark.parametrize("proof", [None, Proof("mode", "available", 2)])
def test_what_nobody_measured_has_no_sign_and_is_said_to_be_unknown(proof: Proof | None) -> None:
    target = synthetic.target("read-send")
    assert labels(target, proof) == ["1 DMA", "2 CPU", "3 CPU", "4 DMA"]
    assert "2 in the model, measured: unknown" in statement(target, proof)


@pytest.mark.parametrize("proof", [None, AS_READ_SEND, BY_REFERENCE, COPIED_AFTER_ALL])
@pytest.mark.parametrize(
    "target",
    [
        *(target.facts for target in discover().values()),
        ENCRYPTED_BY_THE_PROCESS,
        ENCRYPTED_BY_THE_KERNEL,
        TargetFacts("none", 1, ""),
        TargetFacts("direct", 1, "", (Copy("disk", "NIC", "dma"),)),
        TargetFacts("within", 1, "", (Copy("page cache", "page cache", "cpu"), Copy("page cache", "NIC", "dma"))),
        TargetFacts(
            "back", 1, "", (Copy("page cache", "user buffer", "cpu"), Copy("user buffer", "page cache", "cpu"))
        ),
    ],
    ids=lambda target: target.name,
)
def test_any_path_can_be_drawn_and_no_label_lies_on_another(target: TargetFacts, proof: Proof | None) -> None:
    drawn = labels(target, proof)
    assert len(drawn) >= len(target.copies)
    _apart(picture("p", target, proof), drawn)


@pytest.mark.parametrize("target", [target.facts for target in discover().values()], ids=lambda target: target.name)
def test_any_model_can_be_drawn_in_the_chapters_way(target: TargetFacts) -> None:
    """One arrow and one number for each copy, whoever makes it."""
    between = [copy for copy in target.copies if copy.source != copy.destination]
    _apart(chapter_picture("p", target), [str(number) for number in range(1, len(between) + 1)])


def test_the_chapter_draws_four_copies_of_read_and_send() -> None:
    drawn = chapter_picture("p", synthetic.target("read-send"))
    assert re.findall(r'class="pill-text[^>]*>([^<]+)<', drawn) == ["1", "2", "3", "4"]
    assert "read-send: 4 copies" in drawn and "CPU ✓" not in drawn
    assert "sendfile: 2 copies" in chapter_picture("p", synthetic.target("sendfile"))


def _apart(svg: str, drawn: list[str]) -> None:
    """As many labels as are drawn, none on another, all inside."""
    pills = re.findall(r'<rect class="pill-[^"]+" x="([\d.-]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"', svg)
    boxes = [(float(x), float(y), float(x) + float(width), float(y) + float(height)) for x, y, width, height in pills]
    assert len(boxes) == len(drawn)
    wide, tall = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', svg)[0])
    for one, other in itertools.combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (drawn, one, other)
    assert all(left >= 0 and right <= wide and top >= 0 and bottom <= tall for left, top, right, bottom in boxes)
