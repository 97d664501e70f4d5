"""`make runs`, `compare`, `gate`, `export` and `reproduce` as people and a CI meet them."""

import importlib
import json
from pathlib import Path

import pytest

from load.campaign.options import repeating_command, with_defaults
from profiles.store.run_folder import RunFolder
from reports.export.attachments import record
from reports.export.reproduce import read
from scripts.common_arguments import parser_of
from tests.commands import Done, run_here
from tests.reports import several_runs, synthetic


def run(script: str, tmp_path: Path, *arguments: str, on_github: bool = False) -> Done:
    main = importlib.import_module(f"scripts.{script}").main
    where = ["--runs-folder", str(tmp_path / "profiles"), "--reports-folder", str(tmp_path / "reports")]
    return run_here(main, *arguments, *where, environment={"GITHUB_ACTIONS": "true" if on_github else ""})


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder with a run, one like it, and one with a dearer mode."""
    several_runs.write(tmp_path / "profiles", "kept")
    several_runs.write(tmp_path / "profiles", "dearer", seed=3, dearer=1.2)
    several_runs.write(tmp_path / "profiles", "few", rounds=3)
    return tmp_path


def bare_report(folder: Path, command: str) -> Path:
    """A page with nothing but the record of a run that came from this command."""
    text = json.dumps(record(synthetic.run(command=command)))
    path = folder / "index.html"
    path.write_text(f'<script type="application/json" id="run-record">{text}</script>')
    return path


def test_runs_are_listed_with_a_page(kept: Path) -> None:
    done = run("runs", kept)
    assert (done.returncode, done.stderr) == (0, "")
    assert "sendfile 0.33x [" in done.stdout and f"page: {kept}/reports/index.html" in done.stdout


def test_two_runs_are_compared_with_a_page(kept: Path) -> None:
    done = run("compare", kept, "--a=kept", "--b=dearer")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.index("What differs") < done.stdout.index("B over A")
    assert "not paired, between-run variation unknown" in done.stdout
    assert (kept / "reports" / "compare" / "kept--dearer.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--baseline", "kept", "--run", "dearer"], 1, "regression: sendfile: "),
        (["--baseline", "kept", "--run", "dearer", "--max", "1.5"], 0, "pass: 2 comparisons"),
        (["--baseline", "kept", "--run", "few"], 3, "unclear: 2 comparisons"),
        (["--run", "kept", "--mode", "sendfile", "--against", "read-send"], 0, "pass: sendfile/read-send: 0.3"),
        (
            ["--run", "kept", "--max", "read-whole/read-send<=3", "sendfile/read-send<=1"],
            1,
            "regression: 2 comparisons",
        ),
        (["--run", "few", "--max", "sendfile/read-send<=1"], 3, "unclear: sendfile/read-send: "),
        (["--run", "kept", "--mode", "sendfil", "--against", "read-send"], 2, "did you mean sendfile?"),
        (["--run", "kept", "--against", "read-send"], 2, "say which mode is to be judged"),
        (["--run", "kept", "--against", "sendfile", "--baseline", "few"], 2, "give one of them"),
        (["--run", "kept", "--baseline", "few", "--max", "much"], 2, "MAX='much' is not a limit"),
        (["--run", "kept", "--max", "sendfile/read-send<=1", "--judge", "direct"], 2, "JUDGE=direct is for two runs"),
        (["--run", "kept"], 2, "give BASELINE=run"),
        (["--baseline", "nope", "--run", "few"], 2, "error: there is no run 'nope'"),
        (["--baseline", "kept", "--run", "broken"], 2, "error: cannot read"),
    ],
)
def test_a_gate_says_how_it_went_by_its_exit_code(kept: Path, arguments: list[str], code: int, words: str) -> None:
    (kept / "profiles" / "broken").mkdir()
    done = run("gate", kept, *arguments)
    assert done.returncode == code
    assert words in (done.stdout or done.stderr) and "::" not in done.stdout
    assert code != 2 or (done.stdout == "" and done.stderr.count("\n") == 1)


def test_under_make_a_gate_says_what_make_does_with_its_exit_code(kept: Path) -> None:
    """GNU make knows no exit code of its own but 2 for a command that failed."""
    where = ["--runs-folder", str(kept / "profiles"), "--baseline", "kept"]
    main = importlib.import_module("scripts.gate").main
    for run_name, said in (("dearer", True), ("kept-2", False)):
        several_runs.write(kept / "profiles", "kept-2", seed=2) if run_name == "kept-2" else None
        done = run_here(main, *where, "--run", run_name, environment={"GITHUB_ACTIONS": "", "MAKELEVEL": "1"})
        assert ("make turns every failure into 2" in done.stdout) == said


def test_in_github_actions_a_gate_annotates_and_writes_junit(kept: Path) -> None:
    junit = kept / "deep" / "junit.xml"
    done = run("gate", kept, "--baseline", "kept", "--run", "dearer", "--junit", str(junit), on_github=True)
    assert done.returncode == 1
    assert "\n::error title=sendfile%3A regression::" in done.stdout
    assert 'failures="1"' in junit.read_text()


def test_rounds_are_exported_in_the_format_that_is_asked_for(kept: Path) -> None:
    done = run("export", kept, "kept", "--format", "csv")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [f"{name}: {kept}/reports/kept/{name}.csv" for name in ("rounds", "trend")]
    assert not (kept / "reports" / "kept" / "rounds.parquet").exists()


def test_what_load_writes_can_be_read(tmp_path: Path) -> None:
    given = ["--rounds=9", "--seconds=90", "--slice=0.2", "--window=1.5", "--warm-up=0.25", "--profile=1", "--users=2"]
    given += ["--sink=copy", "--pin=0", "--gib-per-day=123456", "--precision=0.1", "--retries=2", "--calibrate=1"]
    given += ["--options", "read-send.chunk=64KiB"]
    options = with_defaults(parser_of("load", "").parse_args(given))
    written = repeating_command(options, ("sendfile", "read-send"), "sendfile", 3_000_017)
    said = {*written.replace("'", "").split()}
    assert said >= {
        "CALIBRATE=1",
        "RETRIES=2",
        "BASELINE=sendfile",
        "ROUNDS=9",
        "SECONDS=90",
        "SLICE=0.2",
        "WINDOW=1.5",
    }
    words = read(bare_report(tmp_path, written)).load_arguments
    assert words[:3] == ["--modes", "sendfile", "read-send"] and "--warm-up=0.25" in words and "--pin=0" in words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("make load MODES='read-send pigeon'", "no mode 'pigeon'"),
        ("make load MODES='read-send sendfile' OPTIONS=read-send.feathers=2KiB", "no option 'feathers'"),
        ("make load MODES=sendfile OPTIONS=pigeon.chunk=2KiB", "pigeon has no option"),
        ("make load MODES='sendfile read-send@feathers=2KiB'", "read-send has no option 'feathers'"),
        ("make load ROUNDS='1; id'", "`make load` has no option"),
    ],
)
def test_what_exists_here_no_more_is_named_before_anything_runs(tmp_path: Path, command: str, words: str) -> None:
    done = run("reproduce", tmp_path, str(bare_report(tmp_path, command)))
    assert (done.returncode, done.stdout) == (2, "") and words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_report_is_run_again_with_its_seed_and_its_order(served: Path, tmp_path: Path) -> None:
    size = (served / "test-file.bin").stat().st_size
    command = (
        f"make load MODES='read-send sendfile' ROUNDS=2 WINDOW=0.2 WARM_UP=0 PROFILE=0 RETRIES=0 USERS=1 SIZE={size}"
    )
    report = str(bare_report(tmp_path, command))
    shown = run("reproduce", tmp_path, report, "--show=1")
    assert (shown.returncode, shown.stdout.splitlines()[-1]) == (0, f"{command} SEED=7")
    assert not (tmp_path / "profiles" / "again").exists()
    done = run("reproduce", tmp_path, report, "--run", "again", "--root", str(tmp_path))
    assert done.returncode == 0, done.stderr
    again = RunFolder(tmp_path / "profiles" / "again").read_run()
    assert (again.seed, again.state, again.users, again.file.size_bytes) == (7, "done", 1, size)
    assert all(set(modes) == {"read-send", "sendfile"} for modes in again.order)
