"""The page: everything on it, nothing from outside, and no name can break out of it."""

import base64
import dataclasses
import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import reports.sections
from profiles.store.run_facts import MetricFacts
from reports import page
from reports.run_data import read_run
from tests.reports import several_runs, synthetic
from tests.reports.tags import Tags

MODES = ("read-send", "sendfile", "read-whole")


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of three modes over ten rounds."""
    folder = tmp_path_factory.mktemp("page")
    _, path = page.report(synthetic.write(folder, synthetic.run(MODES), deep=True), folder / "reports")
    assert path == folder / "reports" / "synthetic" / "index.html"
    assert path.stat().st_size < 3_000_000
    assert {item.name for item in path.parent.iterdir()} == {"index.html", "students.html"}, (
        "nothing half-written is left"
    )
    return path.read_text()


@pytest.mark.slow
def test_fourteen_modes_and_many_rounds_stay_light(tmp_path: Path) -> None:
    modes = (*MODES, *(f"mode-{number}" for number in range(11)))
    run = read_run(synthetic.write(tmp_path, synthetic.run(modes, 24)))
    assert len(page.page(run).encode()) < 3_000_000


@pytest.fixture(scope="module")
def tags(html: str) -> Tags:
    return Tags(html)


def test_the_verdicts_open_the_page_word_for_word(tags: Tags) -> None:
    first = tags.text.index(
        "sendfile uses 0.33x [0.32, 0.33] the server CPU per GiB of read-send (10 rounds, 97.5 % CI)"
    )
    assert first < tags.text.index("Ratios, round by round", first)
    assert "read-whole uses 3.78x" in tags.text


@pytest.mark.parametrize(
    "text",
    [
        "valid",
        "10 rounds of fresh servers: each mode once, in a window of 2 s after 0.500 s of warm-up",
        "A/A floor is unknown",
        "n < 1,000",
        "Example CPU @ 3.0 GHz · 2 CPUs · 8 GiB memory · Linux 6.18.0 · kvm · Python 3.11.7",
        "loopback: no network card took part",
        "make load MODES=",
        "4 copies of every byte: 2 by the CPU, 2 by DMA (model)",
        "2 copies of every byte: 0 by the CPU, 2 by DMA (model)",
        "Profiler overhead",
        "governorunknown",
        "not answered by this run",
    ],
)
def test_what_a_report_must_answer_is_there(tags: Tags, text: str) -> None:
    assert text in tags.text


def test_every_section_has_its_heading_and_its_place_in_the_contents(tags: Tags) -> None:
    names = [name for name, _ in page.sections()]
    ids = {attributes.get("id") for tag, attributes in tags.elements if tag in ("section", "div")}
    links = {attributes["href"] for tag, attributes in tags.elements if tag == "a"}
    assert set(names) <= ids
    assert {f"#{name}" for name in names} <= links
    assert len(names) == len(set(names)) >= 12


def test_nothing_is_loaded_from_anywhere(html: str, tags: Tags) -> None:
    for tag, attributes in tags.elements:
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset", "background"):
            address = attributes.get(name, "#")
            beside = tag == "a" and address == "students.html"
            assert beside or address.startswith(("#", "data:")), f"<{tag} {name}={address[:60]}>"
        assert "url(http" not in attributes.get("style", "")
    assert not [tag for tag, _ in tags.elements if tag in ("link", "base", "object", "embed")]
    assert "default-src 'none'" in html
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style and "url(" not in style


def test_every_id_is_there_once_and_every_reference_finds_its_own(html: str, tags: Tags) -> None:
    ids = [attributes["id"] for _, attributes in tags.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html[: html.index("<footer>")])) <= set(ids)


def test_every_chart_has_a_still_picture_and_words(tags: Tags) -> None:
    figures = [attributes for tag, attributes in tags.elements if attributes.get("class") == "still"]
    assert len(figures) >= 5
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in figures)


def test_the_charts_data_is_readable_json(html: str) -> None:
    found = re.findall(r'<script type="application/(json|gzip)">(.*?)</script>', html, re.S)
    assert {kind for kind, _ in found} == {"json", "gzip"} and len(found) >= 5
    for kind, text in found:
        assert json.loads(text if kind == "json" else gzip.decompress(base64.b64decode(text)))["layer"]


def test_without_perf_flame_graphs_lie_in_sandboxed_frames_with_their_stacks_beside(tmp_path: Path) -> None:
    tags = Tags(page.page(read_run(synthetic.write(tmp_path, synthetic.run(MODES, 2), sampled=False))))
    frames = [attributes for tag, attributes in tags.elements if tag == "iframe"]
    assert [frame["title"] for frame in frames] == [f"Flame graph of {mode}" for mode in MODES]
    for frame in frames:
        assert frame["sandbox"] == "allow-scripts"
        inner = Tags(frame["data-document"])
        assert "svg" in [tag for tag, _ in inner.elements]
        assert "<?xml" not in frame["data-document"]
        assert "/home/someone" not in frame["data-document"], "a report may be shown to others"
    stacks = [attributes for tag, attributes in tags.elements if attributes.get("download", "").endswith(".gz")]
    saved = {each["download"]: gzip.decompress(base64.b64decode(each["href"].partition(",")[2])) for each in stacks}
    assert b"send_file_[p] 188" in saved["read-send.folded.gz"] and b"<svg" in saved["read-send.svg.gz"]
    assert json.loads(saved["read-send.speedscope.json.gz"])["profiles"][0]["weights"] == [188.0]


def test_a_flame_graph_that_is_missing_says_why(tmp_path: Path) -> None:
    run = read_run(synthetic.write(tmp_path, synthetic.run(rounds=6), flame=None, sampled=False))
    text = Tags(page.page(run)).text
    assert "No flame graph: py-spy may not attach: grant it SYS_PTRACE" in text


def test_a_flame_graph_that_is_too_large_stays_outside(tmp_path: Path) -> None:
    noise = base64.b64encode(random.Random(1).randbytes(1_000_000)).decode()
    run = read_run(synthetic.write(tmp_path, synthetic.run(rounds=6), flame=f"<svg><text>{noise}</text></svg>"))
    html = page.page(run)
    assert len(html.encode()) < 3_000_000
    assert "flame-0.svg is too large for this page" in Tags(html).text


@pytest.fixture
def extra_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "zz_extra.py").write_text(
        "from markupsafe import Markup\n"
        "TITLE = 'One more section'\nORDER = 55\n"
        "def render(run):\n    return Markup('<p>{} rounds</p>').format(len(run.dataset.rounds))\n"
    )
    monkeypatch.setattr(reports.sections, "__path__", [*reports.sections.__path__, str(tmp_path)])
    yield


@pytest.mark.usefixtures("extra_section")
def test_a_file_in_sections_is_a_section_on_the_page(tmp_path: Path) -> None:
    run = read_run(synthetic.write(tmp_path / "runs", synthetic.run(rounds=6), flame=None, sampled=False))
    text = Tags(page.page(run)).text
    assert text.index("Why they differ") < text.rindex("One more section 6 rounds") < text.rindex("Benchmark checklist")


@pytest.mark.parametrize("name", [name for name, _ in page.sections()])
def test_every_section_keeps_the_contract(name: str) -> None:
    section = dict(page.sections())[name]
    assert isinstance(section.TITLE, str) and section.TITLE
    assert isinstance(section.ORDER, int)
    assert (section.__doc__ or "").strip(), "a section opens with what it is"


def test_no_two_sections_claim_one_place() -> None:
    orders = [section.ORDER for _, section in page.sections()]
    assert orders == sorted(set(orders))


def test_a_metric_that_nobody_knows_is_shown_with_its_unit(tmp_path: Path) -> None:
    run = synthetic.run(rounds=6)
    run = dataclasses.replace(run, metrics=(*run.metrics, MetricFacts("tlb_misses", "misses", "counter", "why", True)))
    cells = [
        dataclasses.replace(cell, metrics=cell.metrics | {"tlb_misses": 4321.0, "undescribed": 7.0})
        for cell in synthetic.cells(run)
    ]
    text = Tags(page.page(read_run(synthetic.write(tmp_path, run, cells, flame=None, sampled=False)))).text
    assert "tlb_misses misseswhy4,3214,321" in text
    assert "tlb_misses misses per GiB" in text
    assert "undescribed unit not on record" in text


def test_one_mode_alone_makes_a_page(tmp_path: Path) -> None:
    run = read_run(synthetic.write(tmp_path, synthetic.run(("sendfile",), 6)))
    assert "Nothing to compare: sendfile was the only mode of this run." in Tags(page.page(run)).text


def test_a_run_that_knows_almost_nothing_makes_a_page(tmp_path: Path) -> None:
    run = synthetic.run(rounds=6, host={}, software={}, metrics=(), ended_at=None)
    cells = [dataclasses.replace(cell, metrics={}, latency_histogram="") for cell in synthetic.cells(run)]
    stored = synthetic.write(tmp_path, run, cells, flame=None, sampled=False)
    text = Tags(page.page(read_run(stored))).text
    assert "no verdict: server CPU per GiB is unknown or zero in every round" in text
    assert "CPU model unknown" in text and "none recorded" in text
    assert "the fastest mode reached an unknown throughput" in text


def test_the_verdict_ends_in_the_ranking_and_a_void_mode_is_counted_with_its_reason(tmp_path: Path) -> None:
    text = Tags(page.page(several_runs.read(tmp_path, "a", failing="read-whole"))).text
    assert "cheapest: sendfile; then read-send; not ranked: read-whole (void)" in text
    assert "sendfile needs 3.0 times less CPU than read-send (3.0 to 3.1)" in text
    assert "✓ valid; 1 mode void read-whole: 8 requests failed (8 × reset)" in text
