"""Two runs' profiles: what differs in how they were taken comes first, and chance is never drawn as a difference."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from reports.comparison import page
from reports.comparison.comparison import Comparison, compared
from reports.comparison.profiles import comparable, profiles
from reports.flames.tree import Tree
from reports.run_data import read_campaign
from tests.reports import synthetic
from tests.reports.comparison.test_comparison import VERDICT_WORDS
from tests.reports.tags import Tags


def two(folder: Path, change: dict[str, str] | None = None, fewer: int = 1) -> Comparison:
    """Run a, and run b on another kernel. change: texts in b's folded stacks. fewer: of so many of its samples, one."""
    for name in ("a", "b"):
        kernel = {"kernel": "Linux 7.0"} if name == "b" else {}
        run = synthetic.run(rounds=6, name=name)
        run = synthetic.run(rounds=6, name=name, host=run.host | kernel)
        stored = synthetic.write(folder, run, sampled=False, deep=True)
        for path in stored.path.glob("*.folded") if name == "b" else ():
            text = path.read_text()
            for old, new in (change or {}).items():
                text = text.replace(old, new)
            lines = (line.rpartition(" ") for line in text.splitlines())
            path.write_text("".join(f"{stack} {max(1, int(count) // fewer)}\n" for stack, _, count in lines))
    return compared(*(read_campaign(folder, name, whole=True) for name in ("a", "b")))


def unpacked(trees: str | None) -> dict[str, dict[str, Tree]]:
    assert trees is not None
    found: dict[str, dict[str, Tree]] = json.loads(gzip.decompress(base64.b64decode(trees)))
    return found


def frames(tree: Tree) -> dict[str, Tree]:
    return {tree["name"]: tree} | {name: each for child in tree["children"] for name, each in frames(child).items()}


def test_the_same_twice_differs_nowhere(tmp_path: Path) -> None:
    found = profiles(two(tmp_path))
    assert [each.mode for each in found] == ["read-send", "sendfile"]
    for each in found:
        drawn = frames(unpacked(each.trees)["B"]["A"])
        assert all(frame["chance"] and frame["delta"] == 0 for frame in drawn.values())
        assert each.functions == () and each.cautions == ()


def test_a_function_that_became_another_is_told_in_both_directions_in_ms_per_gib(tmp_path: Path) -> None:
    found, _ = profiles(two(tmp_path, {"_copy_to_iter_[k]": "copy_folio_to_iter_[k]"}))
    assert [(name, delta) for name, _, _, delta in found.functions] == [
        ("_copy_to_iter", "−120"),
        ("copy_folio_to_iter", "+120"),
    ]
    trees = unpacked(found.trees)
    now, before = frames(trees["B"]["A"]), frames(trees["A"]["B"])
    assert now["copy_folio_to_iter"]["delta"] == pytest.approx(120, rel=0.02)
    assert before["_copy_to_iter"]["delta"] == pytest.approx(120, rel=0.02)
    assert "chance" not in now["copy_folio_to_iter"] and now["filemap_read"]["chance"]
    assert (trees["B"]["A"]["unit"], trees["B"]["A"]["value"]) == ("CPU ms/GiB", pytest.approx(440, rel=0.02))


def test_lines_that_moved_and_suffixes_of_another_compiler_are_the_same_frame(tmp_path: Path) -> None:
    moved = {"read_send.py:40)": "read_send.py:52)", "tcp_write_xmit_[k]": "tcp_write_xmit.isra.0_[k]"}
    found, _ = profiles(two(tmp_path, moved))
    assert found.functions == ()
    assert comparable("send (a.py:3)_[p]") == "send (a.py)_[p]"
    assert comparable("f.constprop.0.isra.12_[k]") == "f_[k]" and comparable("ngx.part_[k]") == "ngx_[k]"
    assert comparable("std::vector<a.b>") == "std::vector<a.b>"


def test_few_samples_are_said_and_draw_no_difference(tmp_path: Path) -> None:
    found, _ = profiles(two(tmp_path, fewer=300))
    assert found.cautions[0].startswith("too few samples (") and "to be told from chance" in found.cautions[0]


def test_the_page_says_first_what_differs(tmp_path: Path) -> None:
    html = page.write_comparison(two(tmp_path), tmp_path / "reports").read_text()
    text = Tags(html).text.rpartition("Where the CPU time went")[2]
    assert text.index("kernel (Linux 6.18.0 → Linux 7.0)") < text.index("read-send")
    assert "samples per second of CPU time" in text and "measured rounds, s/GiB (no profiler)" in text
    assert html.count('class="flames"') == 4
    assert not any(word in text for word in VERDICT_WORDS)


def test_py_spy_alone_gives_shares_and_says_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        synthetic.write(tmp_path, synthetic.run(rounds=6, name=name), sampled=False)
    found, _ = profiles(compared(*(read_campaign(tmp_path, name, whole=True) for name in ("a", "b"))))
    assert found.unit == "% of py-spy's samples" and "it counts no CPU time" in found.cautions[-1]
    assert unpacked(found.trees)["B"]["A"]["value"] == pytest.approx(100)


def test_two_profilers_are_not_compared(tmp_path: Path) -> None:
    for name in ("a", "b"):
        synthetic.write(tmp_path, synthetic.run(rounds=6, name=name), sampled=False, deep=name == "a")
    found, _ = profiles(compared(*(read_campaign(tmp_path, name, whole=True) for name in ("a", "b"))))
    assert found.trees is None and found.cautions[0].startswith("perf recorded A and py-spy B")


def test_runs_without_profiles_have_no_such_section(tmp_path: Path) -> None:
    for name in ("a", "b"):
        synthetic.write(tmp_path, synthetic.run(rounds=6, name=name), flame=None, sampled=False)
    both = compared(*(read_campaign(tmp_path, name, whole=True) for name in ("a", "b")))
    assert "Where the CPU time went" not in page.write_comparison(both, tmp_path / "reports").read_text()
