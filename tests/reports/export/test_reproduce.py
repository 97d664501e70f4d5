"""A report is read back into a command, and gets nothing else done."""

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from errors import UsageError, UserError
from reports import page
from reports.export.reproduce import latest, read
from tests.reports import several_runs, synthetic

COMMAND = (
    "make load MODES='read-send sendfile' ROUNDS=12 WINDOW=0.5 USERS=8 SINK=copy SIZE=3000017 SEED=7 WARM_UP=1e-05 "
    "PROFILE=0 BASELINE=sendfile PIN=0 GIB_PER_DAY=1e+06 OPTIONS='read-send.chunk=64KiB read-send.buffer-offset=1'"
)


def report(folder: Path, command: str = COMMAND, **facts: Any) -> Path:
    run = several_runs.read(folder, "a", rounds=6, **facts)
    return page.write(dataclasses.replace(run, run=dataclasses.replace(run.run, command=command)), folder)


def bare(folder: Path, command: str) -> Path:
    """What somebody sends who wants to get a command run: a page with nothing but the record."""
    record = msgspec.json.encode(synthetic.run(command=command)).decode()
    path = folder / "index.html"
    path.write_text(f'<script type="application/json" id="run-record">{record}</script>')
    return path


def test_the_command_and_the_seed_come_out_as_arguments(tmp_path: Path) -> None:
    request = read(report(tmp_path, seed=7))
    assert request.load_arguments == [
        "--modes", "read-send", "sendfile", "--baseline=sendfile",
        "--options", "read-send.chunk=64KiB", "read-send.buffer-offset=1", "--size=3000017", "--users=8", "--sink=copy",
        "--rounds=12", "--window=0.5", "--warm-up=1e-05", "--profile=0", "--seed=7", "--pin=0", "--gib-per-day=1e+06",
    ]  # fmt: skip
    assert request.command == COMMAND


def test_a_report_does_not_choose_the_file_of_commands(tmp_path: Path) -> None:
    """Whoever runs it again has a targets.toml of their own, in which its names stand or do not."""
    for theirs in ("/tmp/theirs.toml", "examples/../theirs.toml", "examples/--eval=x.toml.sh", "x/examples/a/t.toml"):
        request = read(bare(tmp_path, f"make load MODES=nginx-read TARGETS={theirs}"))
        assert request.targets is None and request.untaken_targets == theirs
        assert "toml" not in request.command and not any("targets" in word for word in request.load_arguments)
        assert request.with_targets("mine.toml").command == "make load MODES=nginx-read SEED=7 TARGETS=mine.toml"


@pytest.mark.parametrize("named", ["examples/targets.toml", "/home/them/zero-copy/examples/targets.toml"])
def test_a_report_may_name_an_example_of_the_checkout(tmp_path: Path, named: str) -> None:
    request = read(bare(tmp_path, f"make load MODES=nginx-read TARGETS={named} ROUNDS=7"))
    assert request.command == "make load MODES=nginx-read TARGETS=examples/targets.toml ROUNDS=7 SEED=7"
    assert "--targets=examples/targets.toml" in request.load_arguments and not request.untaken_targets


@pytest.mark.parametrize(
    ("given", "said"), [("33554432", "32MiB"), ("32MiB", "32MiB"), ("3000017", "3000017"), ("0", "0")]
)
def test_sizes_are_said_in_units(tmp_path: Path, given: str, said: str) -> None:
    request = read(bare(tmp_path, f"make load MODES=sendfile SIZE={given}"))
    assert request.command == f"make load MODES=sendfile SIZE={said} SEED=7"
    assert f"--size={said}" in request.load_arguments


def test_without_a_report_the_latest_run_is_meant(tmp_path: Path) -> None:
    for day, (name, sink) in enumerate((("newer", "copy"), ("older", "discard"))):
        started_at = f"2026-03-0{3 - day}T12:00:00+00:00"
        several_runs.write(tmp_path, name, sink=sink, command=f"make load SINK={sink}", started_at=started_at)
    assert latest(tmp_path).command == "make load SINK=copy SEED=1"
    with pytest.raises(UsageError, match="there is no run"):
        latest(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "command",
    [
        "make load ROUNDS='1; touch pwned'",
        "make load ROUNDS=$(touch pwned)",
        "make load MODES=--profiles",
        "make load MODES='read-send --root=/etc'",
        "make load RUN=../../x",
        "make load PYTHON=/tmp/evil",
        "make load SHELL=/tmp/evil",
        "make load --eval=x",
        "make load -f evil.mk",
        "make load ROUNDS",
        "make load ROUNDS=",
        "make load ROUNDS=٣",
        "make load ROUNDS=1\n",
        "make load SINK='copy\x00'",
        "make load OPTIONS=read-send.chunk=64KiB;id",
        "make clean",
        "rm -rf /",
        "make load 'ROUNDS=1",
        "",
    ],
)
def test_whatever_is_no_knob_of_ours_is_refused_in_one_line(tmp_path: Path, command: str) -> None:
    if command == "make load ROUNDS=1\n":  # a line's end at the end is white space to a shell, and to us
        assert read(bare(tmp_path, command)).knobs["ROUNDS"] == "1"
        return
    with pytest.raises(UsageError) as caught:
        read(bare(tmp_path, command))
    assert "\n" not in str(caught.value) and "\x00" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"<html><script>1</script>",
        b'<script id="run-record">{</script>',
        b'<script id="run-record">{"name": 1}</script>',
        b'<script id="run-record">[[[[</script>',
    ],
)
def test_a_file_that_is_no_report_is_one_clear_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "index.html").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "index.html")
    assert "index.html" in str(caught.value) and "\n" not in str(caught.value)
    for missing in (tmp_path, tmp_path / "nowhere", Path("/dev/zero")):
        with pytest.raises(UserError, match="cannot read"):
            read(missing)
