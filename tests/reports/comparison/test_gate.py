"""A gate passes only what was judged, and says everything else in a way that people and machines can read."""

import dataclasses
import math
from pathlib import Path
from xml.etree import ElementTree

import pytest

from errors import UsageError
from reports.analysis.limits import parse
from reports.comparison import ci_output
from reports.comparison.gate import gate
from reports.comparison.gate_within import gate_within
from reports.comparison.judgement import Judgement
from reports.run_data import RunData, read_campaign
from tests.reports import several_runs
from tests.reports.test_hostile import HOSTILE


@pytest.fixture
def kept(tmp_path: Path) -> RunData:
    return several_runs.read(tmp_path, "kept")


def outcomes(run: RunData, baseline: RunData, judged: str = "relative", maximum: float = 1.05) -> dict[str, str]:
    found = gate(run, baseline, maximum, "direct" if judged == "direct" else "relative")
    return {judgement.mode: judgement.outcome for judgement in found.judgements}


def test_the_same_code_passes_and_a_dearer_mode_is_found(tmp_path: Path, kept: RunData) -> None:
    same, dearer = (
        several_runs.read(tmp_path, "same", seed=2),
        several_runs.read(tmp_path, "dearer", seed=3, dearer=1.2),
    )
    assert outcomes(same, kept) == {"sendfile": "pass", "read-whole": "pass"}
    assert outcomes(dearer, kept) == {"sendfile": "regression", "read-whole": "pass"}
    assert outcomes(dearer, kept, maximum=1.5) == {"sendfile": "pass", "read-whole": "pass"}
    assert (gate(same, kept, 1.05, "relative").exit_code, gate(dearer, kept, 1.05, "relative").exit_code) == (0, 1)


def test_a_slower_machine_cancels_where_ratios_are_judged_and_not_where_seconds_are(
    tmp_path: Path, kept: RunData
) -> None:
    folder = several_runs.write(tmp_path, "slow", seed=2)
    cells = folder.read_cells()
    (folder.path / "rounds.jsonl").unlink()
    for cell in cells:
        cost = cell.metrics["server_cpu_s_per_gib"]
        assert cost is not None
        folder.append(dataclasses.replace(cell, metrics=cell.metrics | {"server_cpu_s_per_gib": 1.5 * cost}))
    slow = read_campaign(tmp_path, "slow")
    assert set(outcomes(slow, kept).values()) == {"pass"}
    assert outcomes(slow, kept, "direct") == dict.fromkeys(several_runs.MODES, "regression")


def test_what_cannot_be_judged_never_passes(tmp_path: Path, kept: RunData) -> None:
    void = gate(several_runs.read(tmp_path, "void", failing="sendfile"), kept, 1.05, "relative")
    assert [judgement.outcome for judgement in void.judgements] == ["unclear", "pass"] and void.exit_code == 3
    assert "1 request" in void.judgements[0].text or "requests failed" in void.judgements[0].text
    fewer = gate(several_runs.read(tmp_path, "fewer", modes=("read-send", "sendfile")), kept, 1.05, "relative")
    assert (fewer.judgements[1].mode, fewer.judgements[1].outcome) == ("read-whole", "unclear")
    short = gate(several_runs.read(tmp_path, "short", rounds=5), kept, 1.05, "relative")
    assert short.exit_code == 3 and "without an interval" in short.judgements[0].text
    assert gate(several_runs.read(tmp_path, "near", seed=4), kept, 1.0, "relative").exit_code == 3


def test_a_regression_outweighs_what_is_unclear(tmp_path: Path, kept: RunData) -> None:
    found = gate(several_runs.read(tmp_path, "both", dearer=1.3, failing="read-whole"), kept, 1.05, "relative")
    assert (found.outcome, found.exit_code) == ("regression", 1)


def test_a_run_that_failed_or_is_void_never_passes(tmp_path: Path, kept: RunData) -> None:
    """Whichever of the two it is, and however good its numbers are."""
    failed = several_runs.read(tmp_path, "failed", seed=2, state="failed", reason="port 8081 is busy")
    for run, baseline in ((failed, kept), (kept, failed)):
        found = gate(run, baseline, 1.05, "relative")
        assert {judgement.outcome for judgement in found.judgements} == {"unclear"} and found.exit_code == 3
        assert found.judgements[0].text == "run 'failed' failed: port 8081 is busy; measure it again"
        assert any("the run failed after 8 of 8 rounds" in note.line for note in found.notes)
    void = several_runs.read(tmp_path, "void", failing="read-send")
    direct = gate(void, kept, 1.05, "direct", ("sendfile",))
    assert direct.outcome == "unclear" and "run 'void' is void: " in direct.judgements[0].text


def test_cautions_of_both_runs_stand_beside_a_pass_and_a_strict_gate_does_not_pass_with_them(tmp_path: Path) -> None:
    kept = several_runs.read(tmp_path, "kept", skipped={"splice": "no pipes here"}, quick=True)
    run = several_runs.read(tmp_path, "new", seed=2, failing="read-whole")
    found = gate(run, kept, 1.05, "relative", ("sendfile",))
    assert found.outcome == "pass"
    lines = ["caution: run kept: exploratory: a quick run has too few rounds for a verdict"]
    assert [note.line for note in found.notes] == lines, "what concerns other modes is theirs"
    (case,) = ElementTree.fromstring(ci_output.junit(found)).iter("testcase")
    assert lines[0] in str(case.findtext("system-out"))
    assert ci_output.annotations(found)[1].startswith("::warning title=caution in run kept::caution: run kept: ")
    strict = gate(run, kept, 1.05, "relative", ("sendfile",), strict=True)
    assert (strict.outcome, strict.exit_code) == ("unclear", 3) and "STRICT=1" in strict.judgements[0].text
    both = gate(run, kept, 1.05, "relative", ("read-whole",))
    assert [note.line for note in both.notes][1].startswith("void: run new: read-whole: ")
    unread = several_runs.read(tmp_path, "unread", seed=5, host={"cpu_model": "Example CPU @ 3.0 GHz"})
    beside = gate(unread, several_runs.read(tmp_path, "whole", seed=6), 1.05, "relative", ("sendfile",), strict=True)
    assert [note.line for note in beside.notes] == ["unknown: run unread: steal: unknown"]
    assert beside.outcome == "unclear", "a check that nobody made"
    calm = several_runs.read(tmp_path, "calm", seed=3), several_runs.read(tmp_path, "calmer", seed=4)
    assert gate(*calm, 1.05, "relative", strict=True).outcome == "pass"


def within(run: RunData, *limits: str) -> list[tuple[str, str]]:
    found = gate_within(run, tuple(map(parse, limits)))
    return [(judgement.mode, judgement.outcome) for judgement in found.judgements]


def test_within_a_run_the_paired_ratio_is_judged(tmp_path: Path, kept: RunData) -> None:
    assert within(kept, "sendfile/read-send<=0.4", "read-whole/sendfile<=5", "sendfile/read-send<=0.33") == [
        ("sendfile/read-send", "pass"), ("read-whole/sendfile", "regression"), ("sendfile/read-send", "unclear")
    ]  # fmt: skip
    (judgement,) = gate_within(kept, (parse("sendfile/read-whole<=1.05"),)).judgements
    assert judgement.text.endswith("is within the limit of 1.05x (8 rounds)")
    short = several_runs.read(tmp_path, "short", rounds=5)
    void = several_runs.read(tmp_path, "void", failing="sendfile")
    failed = several_runs.read(tmp_path, "failed", state="failed", reason="no space")
    for run, why in ((short, "without an interval"), (void, "sendfile is void: "), (failed, "'failed' failed: no sp")):
        (judgement,) = gate_within(run, (parse("sendfile/read-send<=1.05"),)).judgements
        assert judgement.outcome == "unclear" and why in judgement.text
    with pytest.raises(UsageError, match=r"has no mode 'sendfil': .*; did you mean sendfile\?"):
        within(kept, "sendfil/read-send<=1")


@pytest.mark.parametrize(
    "text", ["a/b", "a<=1", "/b<=1", "a/<=1", "a/b<=", "a/b<=x", "a/b<=0", "a/b<=nan", "a/a<=1", "a/b<1"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="MAX="):
        parse(text)


def test_runs_that_cannot_be_compared_are_refused(tmp_path: Path, kept: RunData) -> None:
    copying = several_runs.read(tmp_path, "copying", sink="copy")
    elsewhere = several_runs.read(tmp_path, "elsewhere", host={"cpu_model": "another"})
    others = several_runs.read(tmp_path, "others", modes=("sendfile", "read-whole"))
    for run, judged, words in (
        (copying, "relative", "sink discard against copy"),
        (elsewhere, "direct", "needs one machine"),
        (others, "relative", "has no read-send"),
        (kept, "relative", "RUN and BASELINE are both"),
    ):
        with pytest.raises(UsageError, match=words):
            outcomes(run, kept, judged)
    assert set(outcomes(elsewhere, kept).values()) == {"pass"}
    for mode in ("no-such-mode", "read-send"):
        with pytest.raises(UsageError, match=mode):
            gate(elsewhere, kept, 1.05, "relative", (mode,))


@pytest.mark.parametrize("maximum", [0.0, -1.0, math.nan, math.inf])
def test_a_limit_that_is_no_ratio_is_refused(tmp_path: Path, kept: RunData, maximum: float) -> None:
    with pytest.raises(UsageError, match="MAX="):
        gate(several_runs.read(tmp_path, "other"), kept, maximum, "relative")


def test_junit_counts_failures_and_errors_and_survives_any_name(tmp_path: Path, kept: RunData) -> None:
    found = gate(several_runs.read(tmp_path, "dearer", dearer=1.2, failing="read-whole"), kept, 1.05, "relative")
    hostile = Judgement(f"\x00{HOSTILE}", "regression", "]]>\x1b")
    root = ElementTree.fromstring(ci_output.junit(dataclasses.replace(found, judgements=(*found.judgements, hostile))))
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "1")
    assert [case.get("name") for case in suite] == ["sendfile", "read-whole", f"\N{REPLACEMENT CHARACTER}{HOSTILE}"]
    assert [child.tag for case in suite for child in case if child.tag != "system-out"] == [
        "failure",
        "error",
        "failure",
    ]


def test_an_annotation_is_one_line_and_one_command_whatever_the_name(tmp_path: Path, kept: RunData) -> None:
    found = gate(several_runs.read(tmp_path, "same"), kept, 1.05, "relative")
    hostile = Judgement("a,file=x::\n::error::b%", "regression", "100 %\r\n::stop-commands::x")
    lines = ci_output.annotations(dataclasses.replace(found, judgements=(hostile,)))
    assert len(lines) == 1 and "\n" not in lines[0] and "\r" not in lines[0]
    assert lines[0].startswith(
        "::error title=a%2Cfile=x%3A%3A\N{REPLACEMENT CHARACTER}%3A%3Aerror%3A%3Ab%25%3A regression::100 %25"
    )
