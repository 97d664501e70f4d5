"""What perf saw, on the page: costs per GiB, reasons that are no chance, sums that are held against the score."""

import base64
import dataclasses
import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from profiles.store.records import DeepProfile
from profiles.store.run_folder import RunFolder
from reports import page
from reports.flames.perf_profile import PerfProfile, differing, from_folded, read_folded, reasons, signed
from reports.run_data import RunData, read_run
from tests.reports import synthetic
from tests.reports.tags import Tags
from units import GIB

MODES = ("read-send", "sendfile", "zerocopy-send")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return read_run(synthetic.write(tmp_path_factory.mktemp("deep"), synthetic.run(MODES, 7), sampled=False, deep=True))


@pytest.fixture(scope="module")
def html(run: RunData) -> str:
    return page.page(run)


@pytest.fixture(scope="module")
def text(html: str) -> str:
    return Tags(html).text


def section(text: str, title: str, until: str) -> str:
    """What stands between two titles of the page, but for its contents."""
    return text.rpartition(title)[2].partition(until)[0]


def unpacked(html: str, name: str) -> Any:
    found = re.search(rf'<script type="text/plain" id="{name}">([^<]+)</script>', html)
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found[1])))


def made(folded: str, gib: float = 1.0, rate_hz: int = 200) -> PerfProfile:
    one = dataclasses.replace(synthetic.cell("sendfile", 1, 1), received_bytes=round(gib * GIB), wall_s=2.0)
    found = from_folded(DeepProfile("sendfile", one, "a.folded", rate_hz, 1.0), folded)
    assert found is not None
    return found


def test_samples_are_milliseconds_per_gib_that_arrived_while_perf_counted() -> None:
    found = made("a;b 30\na 10\n", gib=4.0)  # in 2 s, of which perf counted one: 2 GiB
    assert found.stacks == {("a", "b"): 75.0, ("a",): 25.0}
    assert (found.total_ms, found.samples) == (100.0, 40)
    assert found.error_ms == pytest.approx(100 / 40**0.5)


def test_a_file_that_is_no_folded_stacks_is_refused_in_words() -> None:
    with pytest.raises(UserError, match=r"a\.folded: 'a;b' is not a folded stack"):
        made("a;b\n")


def test_a_sample_in_which_py_spy_found_no_frame_is_left_out() -> None:
    assert read_folded("a.raw", " 1\nrun (a.py:1);send (b.py:2) 3\n") == {("run (a.py:1)", "send (b.py:2)"): 3}
    with pytest.raises(UserError, match=r"a\.raw: '1' is not a folded stack"):
        read_folded("a.raw", "1\n")


def test_a_reason_differs_by_more_than_chance_and_is_no_skid() -> None:
    ours = made("x_[k] 100\n_raw_spin_unlock_irqrestore_[k] 400\nfew_[k] 40\n")
    theirs = made("x_[k] 100\n_copy_to_iter_[k] 300\nfew_[k] 30\n")
    assert differing(ours, theirs) == [("_copy_to_iter", -3000.0)]
    assert reasons(ours, theirs) == "−3.0 s/GiB in _copy_to_iter"
    assert reasons(ours, ours) is None


@pytest.mark.parametrize(("value", "said"), [(0.2149, "+0.21"), (-0.0951, "−0.095"), (12.4, "+12"), (0.0, "+0")])
def test_a_difference_has_as_many_digits_as_samples_can_tell(value: float, said: str) -> None:
    assert signed(value) == said


def test_the_reason_stands_beside_its_verdict(text: str) -> None:
    verdict = text.index("sendfile uses 0.33x")
    why = text.index("why: −0.12 s/GiB in _copy_to_iter, −0.080 in _copy_from_iter", verdict)
    assert why < text.index("zerocopy-send", verdict)
    assert "Seen by perf: −0.12 s/GiB in _copy_to_iter" in text


def test_the_copy_tax_names_every_group_the_hidden_copy_and_skid(text: str) -> None:
    tax = section(text, "Copy tax: where the CPU time went", "How to read it")
    assert re.search(r"1 copying ?200 ?14 ?200", tax)
    assert re.search(r"loopback's hidden copy \(skb_copy_ubufs\) ?– ?14 ?–", tax)
    assert re.search(r"of which skid ?60 ?– ?60", tax)
    assert "1.00x ✓" in tax and "✗" not in tax


def test_a_sum_that_is_far_from_the_score_is_said(tmp_path: Path) -> None:
    stored = synthetic.write(tmp_path, synthetic.run(rounds=7), sampled=False, deep=True)
    rewrite(stored, lambda row: row | {"rate_hz": 2 * synthetic.RATE_HZ})
    assert (
        "✗ sendfile: perf's samples add up to 0.50x of the CPU time in the measured rounds"
        in Tags(page.page(read_run(stored))).text
    )


def rewrite(stored: RunFolder, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    path = stored.path / "deep.jsonl"
    lines = [json.dumps(change(json.loads(line))) + "\n" for line in path.read_text().splitlines()]
    path.write_text("".join(lines))


def test_every_mode_has_a_graph_a_table_and_its_files(html: str, text: str) -> None:
    trees = unpacked(html, "flame-trees")
    assert set(trees) == set(MODES)
    assert trees["read-send"]["value"] == pytest.approx(440, rel=0.02)
    assert "_copy_to_itercopying120" in text.replace(" ", "")
    saved = {attributes["download"] for tag, attributes in Tags(html).elements if "download" in attributes}
    endings = (".speedscope.json.gz", ".firefox.json.gz", ".pb.gz", ".folded.gz", ".svg.gz", ".raw.gz")
    assert saved >= {f"{mode}{ending}" for mode in MODES for ending in endings}


def test_any_two_modes_are_drawn_against_each_other_in_both_directions(html: str) -> None:
    pairs = unpacked(html, "flame-pairs")
    assert {(ours, theirs) for ours in pairs for theirs in pairs[ours]} == {
        (ours, theirs) for ours in MODES for theirs in MODES if ours != theirs
    }
    one, other = pairs["read-send"]["sendfile"], pairs["sendfile"]["read-send"]
    assert one["delta"] == pytest.approx(-other["delta"], abs=0.01)
    assert "_copy_to_iter" in json.dumps(one) and "_copy_to_iter" not in json.dumps(other)


def test_profiler_overhead_is_shown_beside_the_measured_rounds(text: str) -> None:
    overhead = section(text, "Profiler overhead", "How to read it")
    assert overhead.count("with py-spy") == overhead.count("with perf") == 2
    assert re.search(r"read-send ?0\.4\d+ ?0\.4\d+ ?[01]\.\d\dx", overhead)


def test_a_profiler_that_recorded_nothing_is_no_pass_with_it(tmp_path: Path) -> None:
    stored = synthetic.write(tmp_path, synthetic.run(rounds=7), flame=None, sampled=False)
    assert "Profiler overhead" not in Tags(page.page(read_run(stored))).text
    synthetic.write_deep(stored, stored.read_run())
    overhead = section(Tags(page.page(read_run(stored))).text, "Profiler overhead", "How to read it")
    assert "with perf" in overhead and "with py-spy" not in overhead


def test_without_perf_one_line_says_what_would_unlock_the_rest(tmp_path: Path) -> None:
    stored = synthetic.write(tmp_path, synthetic.run(rounds=7), sampled=False)
    reason = "perf could not record: not permitted; run as root, or set sysctl kernel.perf_event_paranoid=1"
    stored.append(DeepProfile("read-send", None, None, reason=reason))
    html = page.page(read_run(stored))
    text = Tags(html).text
    assert text.count(reason) == 1
    assert "Flame graph of read-send" in html and "Copy tax" not in text


@pytest.mark.slow
def test_fourteen_modes_with_deep_stacks_stay_below_three_megabytes(tmp_path: Path) -> None:
    modes = ("read-send", *(f"mode-{number}" for number in range(13)))
    stored = synthetic.write(tmp_path, synthetic.run(modes, 7), sampled=False, deep=True)
    for index in range(len(modes)):
        stacks = "".join(many_stacks(index))
        stored.write_file(f"deep-{index}.folded", stacks.encode())
    assert len(page.page(read_run(stored)).encode()) < 3_000_000


def many_stacks(seed: int) -> list[str]:
    """200 stacks of 12 to 31 frames."""
    frames = [f"tcp_function_{number}_[k]" for number in range(200)]
    lines = []
    for number in range(200):
        path = [frames[(number * (depth // 9) + depth + seed % 3) % 200] for depth in range(12 + number % 20)]
        lines.append(f"send_file (servers/modes/mode.py:{number % 9})_[p];os_call;{';'.join(path)} {1 + number % 60}\n")
    return lines
