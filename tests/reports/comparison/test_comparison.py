"""Two runs side by side: what differs stands first, and what is said across them never sounds like a verdict."""

import dataclasses
from pathlib import Path

import pytest

from errors import UsageError
from reports.analysis.rounds import PRIMARY
from reports.analysis.unpaired_ratio import CAVEAT
from reports.comparison import comparison, page, text
from reports.comparison.differences import differences, other_question
from reports.run_data import read_campaign
from tests.reports import several_runs, synthetic
from tests.reports.tags import Tags
from tests.reports.test_hostile import HOSTILE

VERDICT_WORDS = (" uses ", "no difference", "inconclusive", "faster", "slower than", "better", "worse")


def test_only_what_differs_is_listed_and_what_matters_stands_on_top() -> None:
    one = synthetic.run()
    other = dataclasses.replace(
        one, sink="copy", seed=8, host=one.host | {"kernel": "Linux 7.0", "user": "somebody"}, users=8
    )
    found = differences(one, other)
    assert [(each.name, each.a, each.b) for each in found] == [
        ("users", "4", "8"),
        ("sink", "discard", "copy"),
        ("kernel", "Linux 6.18.0", "Linux 7.0"),
        ("seed", "7", "8"),
        ("user", "not on record", "somebody"),
    ]
    assert [each.name for each in found if each.question] == ["users", "sink"]
    assert [each.name for each in found if each.matters] == ["users", "sink", "kernel"]
    assert differences(one, one) == ()


def test_an_option_of_a_mode_changes_the_question_for_that_mode_alone() -> None:
    one = synthetic.run()
    targets = tuple(dataclasses.replace(each, options={"chunk": 4096} if each.options else {}) for each in one.targets)
    other = dataclasses.replace(one, targets=targets)
    assert other_question(one, other, ("sendfile",)) is None
    assert other_question(one, other, ("read-send",)) == "read-send chunk 256 KiB against 4 KiB"


def test_a_setting_that_nobody_has_judged_yet_changes_the_question() -> None:
    one = synthetic.run()
    assert other_question(one, dataclasses.replace(one, cache="cold"), ()) == "cache warm against cold"


def test_two_paced_runs_answer_one_question_at_about_one_rate() -> None:
    one = synthetic.run(question="paced", rate_bytes_per_s=1_000_000_000, pilot_bytes_per_s={"sendfile": 2e9})
    near = dataclasses.replace(one, rate_bytes_per_s=1_050_000_000, pilot_bytes_per_s={"sendfile": 2.1e9})
    far = dataclasses.replace(one, rate_bytes_per_s=500_000_000)
    assert other_question(one, near, ()) is None
    assert other_question(one, far, ()) == "rate 953.7 MiB/s against 476.8 MiB/s"


def test_each_run_keeps_its_own_paired_ratio_and_the_ratio_across_finds_the_change(tmp_path: Path) -> None:
    a, b = several_runs.read(tmp_path, "a"), several_runs.read(tmp_path, "b", seed=2, dearer=1.2)
    found = comparison.compared(a, b)
    sendfile = next(row for row in found.rows if row.mode == "sendfile")
    assert sendfile.a.ratio is not None and sendfile.b.ratio is not None and sendfile.ratio is not None
    assert sendfile.a.ratio.ratios == pytest.approx([x / y for x, y in a.dataset.pairs("sendfile", PRIMARY)])
    assert sendfile.ratio.low is not None and sendfile.ratio.high is not None
    assert sendfile.ratio.low < 1.2 < sendfile.ratio.high
    assert next(row for row in found.rows if row.mode == "read-send").ratio is None


def test_the_interval_across_runs_is_wider_than_the_paired_ones(tmp_path: Path) -> None:
    found = comparison.compared(several_runs.read(tmp_path, "a"), several_runs.read(tmp_path, "b", seed=2))
    for row in found.rows[1:]:
        widths = [x.high / x.low for x in (row.a.ratio, row.b.ratio, row.ratio) if x and x.low and x.high]
        assert len(widths) == 3 and widths[2] > min(widths[:2])


def test_a_void_mode_has_no_number_and_one_of_the_baseline_takes_all_ratios(tmp_path: Path) -> None:
    found = comparison.compared(several_runs.read(tmp_path, "a"), several_runs.read(tmp_path, "b", failing="read-send"))
    assert [(line.b, line.across) for line in text.ratios(found)] == [("void", "–"), ("void", "–")]
    costs = {line.mode: (line.b == "void", line.across == "–") for line in text.costs(found)}
    assert costs == {"read-send": (True, True), "sendfile": (False, False), "read-whole": (False, False)}


def test_few_rounds_give_numbers_without_intervals_and_say_why(tmp_path: Path) -> None:
    found = comparison.compared(several_runs.read(tmp_path, "a", rounds=3), several_runs.read(tmp_path, "b"))
    line = text.ratios(found)[0]
    assert "no interval: 6 are needed" in line.a and "[" in line.b and "6 rounds of each run are needed" in line.across


def test_old_records_and_other_modes_are_compared_where_they_meet(tmp_path: Path) -> None:
    a = several_runs.read(tmp_path, "a", modes=("read-send", "sendfile"), host={}, software={})
    b = several_runs.read(tmp_path, "b", modes=("sendfile", "read-send", "read-whole"))
    found = comparison.compared(a, b)
    assert ([row.mode for row in found.rows], found.missing, found.reference) == (
        ["read-send", "sendfile"], ("read-whole",), "read-send"
    )  # fmt: skip
    assert ("kernel", "not on record", "Linux 6.18.0") in [(each.name, each.a, each.b) for each in found.differences]


def test_what_tcp_did_is_compared_for_the_modes_that_both_have(tmp_path: Path) -> None:
    cubic = {"read-send": "cubic", "sendfile": "cubic"}
    a = several_runs.read(tmp_path, "a", modes=("read-send", "sendfile"), congestion=cubic)
    b = several_runs.read(tmp_path, "b", congestion=cubic | {"read-whole": "reno"})
    c = several_runs.read(tmp_path, "c", congestion=cubic | {"sendfile": "bbr"})
    assert comparison.compared(a, b).question is None
    assert comparison.compared(a, c).question == "sendfile congestion cubic against bbr"
    assert comparison.compared(a, several_runs.read(tmp_path, "old")).question is None, "nobody knows"


def test_a_sweep_is_no_run_to_compare(tmp_path: Path) -> None:
    (tmp_path / "curve").mkdir()
    (tmp_path / "curve" / "sweep.json").write_text("{}")
    with pytest.raises(UsageError, match="'curve' is a sweep, not a single run"):
        read_campaign(tmp_path, "curve")


def test_a_run_is_not_compared_with_itself_nor_with_one_that_shares_nothing(tmp_path: Path) -> None:
    a, b = several_runs.read(tmp_path, "a", modes=("read-send",)), several_runs.read(tmp_path, "b", modes=("sendfile",))
    with pytest.raises(UsageError, match="are both 'a'"):
        comparison.compared(a, a)
    with pytest.raises(UsageError, match="no mode in common"):
        comparison.compared(a, b)


def test_the_page_carries_the_caveat_no_verdict_and_no_foreign_markup(tmp_path: Path) -> None:
    modes = ("read-send", "sendfile", HOSTILE)
    several_runs.write(tmp_path, "a", modes=modes, host={HOSTILE: 1})
    several_runs.write(tmp_path, "b", modes=modes, host={"kernel": HOSTILE})
    found = comparison.compared(read_campaign(tmp_path, "a"), read_campaign(tmp_path, "b"))
    path = page.write_comparison(found, tmp_path / "reports")
    assert path == tmp_path / "reports" / "compare" / "a--b.html"
    tags = Tags(path.read_text())
    assert CAVEAT in tags.text and HOSTILE in "".join(tags.words)
    assert not [word for word in VERDICT_WORDS if word in tags.text]
    assert "img" not in [tag for tag, _ in tags.elements]
    assert tags.text.index("What differs") < tags.text.index("B over A")


def test_a_record_cannot_choose_where_the_page_is_written(tmp_path: Path) -> None:
    folder = several_runs.write(tmp_path, "a")
    lines = (folder.path / "run.json").read_text().replace('"name": "a"', '"name": "../../escaped"')
    (folder.path / "run.json").write_text(lines)
    found = comparison.compared(read_campaign(tmp_path, "a"), several_runs.read(tmp_path, "b"))
    assert page.write_comparison(found, tmp_path / "reports").name == "a--b.html"
