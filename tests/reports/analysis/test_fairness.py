"""What made targets unequal before anything ran stands beside the numbers."""

from dataclasses import replace
from typing import Any

from reports.analysis.fairness import fairness
from reports.analysis.rounds import build
from reports.analysis.validity import check
from tests.reports import synthetic
from units import MIB


def said(congestion: dict[str, str] | None = None, **of_sendfile: Any) -> list[tuple[str | None, str]]:
    run = synthetic.run(congestion=congestion or {})
    targets = tuple(replace(each, **of_sendfile) if each.name == "sendfile" else each for each in run.targets)
    run = replace(run, targets=targets)
    findings = check(build(run, tuple(synthetic.cells(run)), proofs=synthetic.proofs(run))).findings
    return [(finding.mode, finding.text) for finding in findings if finding.kind == "caution"]


def test_two_kinds_of_congestion_control_are_a_caution() -> None:
    assert said({"read-send": "cubic", "sendfile": "cubic"}) == []
    ((mode, text),) = said({"read-send": "cubic", "sendfile": "bbr"})
    assert mode is None and text.startswith("congestion control differs: read-send uses cubic, sendfile uses bbr; ")


def test_an_unknown_one_is_said_with_the_remedy() -> None:
    ((mode, text),) = said({"read-send": "cubic", "sendfile": ""})
    assert mode == "sendfile" and "unknown" in text and "iproute2" in text


def test_a_guest_that_was_not_started_here_is_not_fresh() -> None:
    ((mode, text),) = said(external="pid")
    assert mode == "sendfile" and "not restarted for every cell" in text
    assert said(external="command") == []


def test_another_file_is_said_with_both_sizes() -> None:
    ((mode, text),) = [found for found in said(size_bytes=15 * MIB) if "a file of another size" in found[1]]
    assert mode == "sendfile" and "15 MiB, the others 16 MiB" in text


def test_where_all_send_a_file_of_one_size_there_is_nothing_to_say() -> None:
    run = synthetic.run()
    run = replace(run, targets=tuple(replace(each, size_bytes=15 * MIB) for each in run.targets))
    assert not [finding for finding in fairness(run) if "another size" in finding.text]


def test_two_protocols_are_a_caution_and_one_is_none() -> None:
    ((mode, text),) = said(protocol="raw")
    assert mode is None and text.startswith("protocol differs: sendfile raw, the others HTTP")
    run = synthetic.run()
    run = replace(run, targets=tuple(replace(each, protocol="raw") for each in run.targets))
    assert list(fairness(run)) == []


def test_modes_that_one_process_serves_are_named() -> None:
    run = synthetic.run(modes=("read-send", "sendfile", "splice"))
    shared = tuple(replace(each, process="" if each.name == "splice" else "read-send") for each in run.targets)
    found = {finding.mode: finding.text for finding in fairness(replace(run, targets=shared))}
    assert set(found) == {"read-send", "sendfile"}
    assert found["sendfile"].startswith("one process serves it and read-send: ")
