"""Only like is pooled with like, the numbers are those that the machines had, and whatever is left out says why."""

import math
from pathlib import Path
from typing import Any

import pytest

from reports.class_page import text
from reports.class_page.pools import Pool, left_out
from reports.class_page.results import Results, results
from tests.reports.class_page import classroom

SENDFILE = 0.144 / 0.44  # what it costs in a synthetic run, as a multiple of read-send


def read(folder: Path) -> Results:
    return results(str(folder))


def reasons(folder: Path) -> dict[str, str]:
    return {each.name: each.reason for each in read(folder).left_out}


def names(pool: Pool) -> set[str]:
    return {machine.name for machine in pool.machines}


def test_machines_are_summed_up_and_their_spread_is_said(tmp_path: Path) -> None:
    factors = classroom.factors(12, 0.2)
    for number, factor in enumerate(factors):
        classroom.hand_in(tmp_path, number, factor=factor)
    (pool,) = read(tmp_path).pools
    assert (pool.mode, pool.baseline, len(pool.machines)) == ("sendfile", "read-send", 12)
    ratios = [machine.paired.ratio for machine in pool.machines]
    assert ratios == sorted(ratios) and ratios[0] == pytest.approx(SENDFILE * min(factors), rel=0.02)
    assert pool.summary is not None
    logs = [math.log(factor) for factor in factors]
    mean = sum(logs) / 12
    spread = math.sqrt(sum((each - mean) ** 2 for each in logs) / 11)
    assert pool.summary.ratio[0] == pytest.approx(SENDFILE * math.exp(mean), rel=0.02)
    assert pool.summary.between == pytest.approx(spread, rel=0.1)
    sentence = text.headline(pool)
    assert sentence.startswith("over 12 machines sendfile needs 0.3") and "of read-send's CPU" in sentence
    assert "it differs between machines by a factor of 1." in sentence and "another machine like these" in sentence
    between, error, rounds = (float(said.split()[-1]) for _, said in text.spreads(pool))
    assert between > 1.1 > rounds > error > 1


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_than_three_machines_say_nothing_of_a_spread(tmp_path: Path, count: int) -> None:
    for number in range(count):
        classroom.hand_in(tmp_path, number)
    (pool,) = read(tmp_path).pools
    assert pool.summary is None
    assert text.headline(pool).endswith("a spread between machines needs 3 at least")
    assert text.headline(pool).startswith(f"on {count} machine")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sink": "copy"}, "other question: sink copy against discard"),
        ({"users": 8}, "other question: users 8 against 4"),
        ({"baseline": "sendfile"}, "other question: its baseline is sendfile, not read-send"),
        ({"modes": ("read-send", "read-whole")}, "it did not measure sendfile"),
        ({"failing": "sendfile"}, "void: 9 requests failed (9 × reset)"),
        ({"failing": "read-send"}, "void: the baseline read-send: 9 requests failed (9 × reset)"),
        ({"quick": True}, "exploratory (QUICK=1): too few rounds for a verdict"),
        ({"kind": "interactive"}, "a load by hand: nothing was paired, so nothing is concluded"),
        ({"rounds": 3}, "no verdict: 3 complete rounds, 6 are needed for an interval of 95 %"),
        ({"factor": 1e6}, "impossible numbers: its rounds do not differ at all, or by more than data paths can"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_pooled_is_named_with_its_reason(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    for number in range(3):
        classroom.hand_in(tmp_path, number)
    classroom.hand_in(tmp_path, 3, name="odd", **changes)
    found = read(tmp_path)
    assert names(found.pools[0]) == {"student-0.html", "student-1.html", "student-2.html"}
    (odd,) = found.left_out
    assert (odd.name, odd.modes) == ("odd.html", ("sendfile",)) and odd.reason.startswith(reason)


def test_another_version_of_the_servers_is_not_pooled(tmp_path: Path) -> None:
    """By the code that ran, where it is known: a revision that changed only documents is none."""
    for number in range(3):
        classroom.hand_in(tmp_path, number, code="one", software={"git_revision": f"{number}" * 40})
    classroom.hand_in(tmp_path, 3, code="another", software={"git_revision": "f" * 40, "git_dirty": "yes"})
    classroom.hand_in(tmp_path, 4)
    classroom.hand_in(tmp_path, 5, code="mine", software={"git_revision": "0" * 40})
    assert len(read(tmp_path).pools[0].machines) == 3
    other = "other version: it ran other code of the servers (revision "
    assert reasons(tmp_path) == {
        "student-3.html": f"{other}ffffffffff with changes, the others 0000000000)",
        "student-4.html": f"{other}c153f5f, the others 0000000000)",
        "student-5.html": f"{other[:-9]}although of revision 0000000000 like the others)",
    }


def test_what_most_reports_have_in_common_is_the_question(tmp_path: Path) -> None:
    classroom.hand_in(tmp_path, 0)
    for number in (1, 2):
        classroom.hand_in(tmp_path, number, sink="copy")
    (pool,) = read(tmp_path).pools
    assert names(pool) == {"student-1.html", "student-2.html"} and "sink copy" in pool.question


def test_a_run_that_is_handed_in_twice_counts_once(tmp_path: Path) -> None:
    path = classroom.hand_in(tmp_path, 0)
    (tmp_path / "again.html").write_bytes(path.read_bytes())
    assert reasons(tmp_path) == {"student-0.html": "the same run as again.html, which counts once"}


def test_of_two_runs_of_a_machine_the_later_counts(tmp_path: Path) -> None:
    classroom.hand_in(tmp_path, 0)
    later: dict[str, Any] = {"started_at": "2026-03-02T09:00:00+00:00", "seed": 99}
    classroom.hand_in(tmp_path, 0, name="tuesday", factor=1.1, **later)
    assert reasons(tmp_path) == {
        "student-0.html": "the same machine as tuesday.html (not restarted between them): the later counts"
    }
    assert names(read(tmp_path).pools[0]) == {"tuesday.html"}


def test_machines_that_look_alike_are_counted_and_said(tmp_path: Path) -> None:
    """After a restart the same machine cannot be told from another of its kind."""
    classroom.hand_in(tmp_path, 0)
    later: dict[str, Any] = {"started_at": "2026-03-02T09:00:00+00:00", "host": {"boot_id": "later"}}
    classroom.hand_in(tmp_path, 0, name="tuesday", factor=1.1, **later)
    (pool,) = read(tmp_path).pools
    assert len(pool.machines) == 2
    (caution,) = text.cautions(pool)
    assert caution.startswith("student-0.html, tuesday.html may be of one machine, which then counts 2 times")


def test_every_pair_that_two_machines_measured_has_a_pool_the_courses_first(tmp_path: Path) -> None:
    for number in range(3):
        classroom.hand_in(tmp_path, number, modes=("read-send", "read-whole", "sendfile"))
    classroom.hand_in(tmp_path, 3, modes=("read-send", "splice"))
    found = read(tmp_path)
    assert [pool.mode for pool in found.pools] == ["sendfile", "read-whole"]
    assert [(each.name, each.modes) for each in found.left_out] == [("student-3.html", ("sendfile",))]
    assert left_out(found.pools) == found.left_out
