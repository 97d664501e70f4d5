"""Profiles open anywhere: each format's own reader finds every function in them, with what it costs."""

import json
import tempfile
from pathlib import Path

import pytest

from reports.export.files import PROFILE_FORMATS, export
from reports.flames.formats.sampled_stacks import SampledStacks, sampled_stacks
from reports.run_data import read_run
from tests import readers
from tests.browser import browser as start_browser
from tests.readers import Cost
from tests.reports import synthetic

SAMPLED = SampledStacks(
    "sendfile@chunk=64KiB",
    "perf",
    {
        ("serve (servers/server.py:9)_[p]", "send (modes/sendfile.py:24)_[p]", "sendfile", "tcp_sendmsg_[k]"): 30,
        ("serve (servers/server.py:9)_[p]", "send (modes/sendfile.py:24)_[p]", "sendfile", "_copy_to_iter_[k]"): 10,
        ("serve (servers/server.py:9)_[p]", "send (modes/sendfile.py:25)_[p]"): 8,
        ("serve (servers/server.py:9)_[p]",): 2,
    },
    2.5,  # ms/GiB a sample: 125 in all
    "2025-03-01T12:00:00+00:00",
    {"run": "monday", "kernel": "Linux 6.18.0", "naïve": "<b>é"},
)


def written(folder: Path, name: str, sampled: SampledStacks = SAMPLED) -> Path:
    ending, content = PROFILE_FORMATS[name].file(sampled)
    path = folder / f"profile{ending}"
    path.write_bytes(content)
    return path


@readers.speedscope_needed
@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "suffix", "total", "own"),
    [
        ("speedscope", "", "100.00ms (80%)", "75.00ms (60%)"),
        ("pprof", "", "100.00ms (80%)", "75.00ms (60%)"),
        ("folded", "_[k]", "40 (80%)", "30 (60%)"),
    ],
)
def test_speedscope_opens_all_but_the_firefox_profiler_s(
    tmp_path: Path, name: str, suffix: str, total: str, own: str
) -> None:
    with start_browser() as chromium:
        title, costs = readers.speedscope(chromium, written(tmp_path, name), tmp_path)
    assert title == (SAMPLED.title if name == "speedscope" else written(tmp_path, name).name)
    assert costs["sendfile"].total == total
    assert costs[f"tcp_sendmsg{suffix}"] == Cost(own, own)


@readers.profiler_cli_needed
@pytest.mark.slow
def test_the_firefox_profiler_opens_its_own() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's are too long for the path of a socket
        file = written(Path(folder), "firefox")
        queries = ("profile", "meta"), ("thread", "functions"), ("function", "info", "f-4")
        meta, functions, copying = readers.profiler_cli(file, Path(folder) / "session", *queries)
    assert "monday" in json.dumps(meta) and SAMPLED.title in json.dumps(meta)
    costs = {each["name"]: (each["totalSamples"], each["selfSamples"]) for each in functions["functions"]}
    assert functions["weightType"] == "tracing-ms"
    assert costs == {
        "tcp_sendmsg": (75, 75),
        "_copy_to_iter": (25, 25),
        "send": (120, 20),
        "serve": (125, 5),
        "sendfile": (100, 0),
    }
    [category] = copying["categoryBreakdown"]["self"]["categories"]
    assert (copying["name"], category["name"]) == ("_copy_to_iter", "Kernel, copying bytes")


@readers.pprof_format_needed
@pytest.mark.slow
def test_a_decoder_of_pprof_finds_every_frame_with_its_file_and_line(tmp_path: Path) -> None:
    found = readers.pprof_format(written(tmp_path, "pprof"))
    assert found["types"] == [["samples", "count"], ["cpu_per_gib", "nanoseconds"]]
    assert found["preferred"] == "cpu_per_gib"
    assert found["comments"] == ["run: monday", "kernel: Linux 6.18.0", "naïve: <b>é"]
    send, serve = ["send", "modes/sendfile.py", 24], ["serve", "servers/server.py", 9]
    assert found["samples"] == [
        [[["tcp_sendmsg", "", 0], ["sendfile", "", 0], send, serve], [30, 75_000_000]],
        [[["_copy_to_iter", "", 0], ["sendfile", "", 0], send, serve], [10, 25_000_000]],
        [[["send", "modes/sendfile.py", 25], serve], [8, 20_000_000]],
        [[serve], [2, 5_000_000]],
    ]


@readers.go_needed
@pytest.mark.slow
def test_go_s_pprof_opens_it_and_counts_samples_too(tmp_path: Path) -> None:
    file = written(tmp_path, "pprof")
    said, costs = readers.go_pprof(file)
    assert "Type: cpu_per_gib" in said and "125ms total" in said and "kernel: Linux 6.18.0" in said
    assert costs["sendfile"] == Cost("100ms", "0") and costs["send"] == Cost("120ms", "20ms")
    said, costs = readers.go_pprof(file, "-sample_index=samples", "-lines")
    assert costs["send modes/sendfile.py:25"] == Cost("8", "8") and "Type: samples" in said


@readers.pprof_format_needed
@pytest.mark.slow
def test_what_a_run_exports_is_what_was_sampled(tmp_path: Path) -> None:
    """And py-spy's samples, whose cost is unknown, are samples."""
    deep = synthetic.write(tmp_path, synthetic.run(name="deep"), sampled=False, deep=True)
    synthetic.write(tmp_path, synthetic.run(name="plain"), sampled=False)
    paths = export(tmp_path, "deep", ("pprof",), tmp_path / "reports")
    assert [path.name for path in paths] == ["read-send.pb.gz", "sendfile.pb.gz"]
    found, recorded = readers.pprof_format(paths[1]), sampled_stacks(read_run(deep), "sendfile")
    assert recorded is not None
    assert sum(values[0] for _, values in found["samples"]) == recorded.samples
    assert sum(values[1] for _, values in found["samples"]) / 1e6 == pytest.approx(144, rel=0.02)
    [plain, _] = export(tmp_path, "plain", ("pprof",), tmp_path / "reports")
    found = readers.pprof_format(plain)
    assert found["types"] == [["samples", "count"]]
    assert found["samples"] == [[[["send_file", "", 0], ["<module>", "servers/__main__.py", 9]], [188]]]
