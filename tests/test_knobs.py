"""A knob is one row of the table: arguments, checks, help, the repeating command, reproduce and the form follow."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import msgspec
import pytest

import knobs
from errors import UsageError, suggestion
from knobs import KNOBS, Knob
from load.users.connection import SINKS
from profiles.store.sweep_folder import AxisName
from reports.export.reproduce import read
from scripts import make
from scripts.common_arguments import parser_of
from tests.conftest import PROJECT
from tests.copied import copy_project
from tests.reports import synthetic

COLOUR = Knob(
    "COLOUR", "choice", "the colour of the bytes", {"load": "red"}, choices=("red", "blue"), label="Colour of the bytes"
)


def bare_report(folder: Path, command: str) -> Path:
    """A page with nothing but the record of a run that came from this command."""
    record = msgspec.json.encode(synthetic.run(command=command)).decode().replace("<", "\\u003c")
    path = folder / "index.html"
    path.write_text(f'<script type="application/json" id="run-record">{record}</script>')
    return path


def add_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KNOBS, "COLOUR", COLOUR)


def started_by_make(command: str, *given: str) -> subprocess.CompletedProcess[str]:
    """As make starts it: the variables in the environment, and their names in MAKEFLAGS."""
    variables = dict(word.split("=", 1) for word in given)
    flags = " -- " + " ".join(word.replace(" ", "\\ ") for word in given)
    return subprocess.run(
        [sys.executable, "-m", "scripts.make", command],
        cwd=PROJECT, env={**os.environ, **variables, "MAKEFLAGS": flags},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_new_row_is_an_argument_with_its_check_and_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_colour(monkeypatch)
    parser = parser_of("load", "")
    assert parser.parse_args([]).colour == "red"
    assert parser.parse_args(["--colour", "blue"]).colour == "blue"
    with pytest.raises(UsageError, match=r"COLOUR='bleu': choose one of red, blue; did you mean blue\?"):
        parser.parse_args(["--colour=bleu"])
    assert "the colour of the bytes, red|blue (default: red)" in parser.format_help()
    monkeypatch.setattr(sys, "argv", ["make", "help"])
    assert make.main() == 0
    assert "COLOUR            the colour of the bytes, red|blue (default: red) [make load]" in capsys.readouterr().out


def test_a_new_row_stands_in_the_repeating_command_and_is_reproduced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    add_colour(monkeypatch)
    command = knobs.command_line("load", {"modes": ("sendfile",), "colour": "blue", "seed": 7})
    assert command == "make load MODES=sendfile SEED=7 COLOUR=blue"
    assert "COLOUR" not in knobs.command_line("load", {"modes": ("sendfile",), "colour": "red"}), "it is the default"
    assert "--colour=blue" in read(bare_report(tmp_path, command)).load_arguments


def test_a_new_row_is_on_the_form_and_taken_from_it() -> None:
    """In a process of its own, since the page belongs to Locust's."""
    ask = """if True:
        import json
        import knobs
        from tests.test_knobs import COLOUR
        knobs.KNOBS["COLOUR"] = COLOUR
        from load.web.commands import CampaignCommand, decode
        from load.web.page import page
        command = decode(b'{"given": {"modes": ["sendfile"], "colour": "blue", "rounds": 3}}', CampaignCommand)
        options = command.options(any_port=True)
        print(json.dumps([page("/bench", "/"), options.colour, options.rounds, options.sink]))"""
    done = subprocess.run([sys.executable, "-c", ask], cwd=PROJECT, capture_output=True, text=True, check=True)
    page, *taken = json.loads(done.stdout)
    assert '<select name="colour"><option>red</option><option>blue</option></select>' in page
    assert "Colour of the bytes" in page and taken == ["blue", 3, "discard"]


@pytest.mark.parametrize(
    ("command", "given", "says"),
    [
        ("load", ["MODE=sendfile", "ROUND=3"], "make load has no knob MODE; did you mean MODES?"),
        ("load", ["MODE=sendfile"], "make load has no knob MODE; did you mean MODES? (MODE is a knob of make gate)"),
        ("load", ["ROUND=3"], "make load has no knob ROUND; did you mean ROUNDS?"),
        ("load", ["rounds=3"], "make load has no knob rounds; did you mean ROUNDS? (`make help` lists them)"),
        ("laod", [], "there is no command laod; did you mean load? (`make` lists them)"),
        ("lnt", [], "there is no command lnt; did you mean lint?"),
        ("xyzzy", [], "there is no command xyzzy (`make` lists them)"),
        ("load", ["JUNIT=x"], "make load has no knob JUNIT: it is a knob of make gate"),
        ("sweep", ["PRECISION=0.1", "POINTS=1 2"], "make sweep has no knob PRECISION: it is a knob of make load"),
        ("report", ["RUNS=a b"], "make report has no knob RUNS; did you mean RUN?"),
        ("doctor", ["XYZZY=1"], "make doctor has no knob XYZZY (`make help` lists them)"),
        ("load", ["ROUNDS=0"], "ROUNDS=0: give a whole number from 1 to 1000"),
        ("load", ["SIZE=huge"], "SIZE='huge' is not a size"),
        ("prove", ["MODES=splice splice@chunk=64KiB"], "splice@chunk=64KiB: splice has no option 'chunk'"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_made(command: str, given: list[str], says: str) -> None:
    done = started_by_make(command, *given)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(f"error: {says}")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("--rounds=0", "ROUNDS=0: give a whole number from 1 to 1000"),
        ("--rounds=many", "ROUNDS='many': give a whole number from 1 to 1000"),
        ("--window=0.1", "WINDOW=0.1: give a number from 0.2 to 3600"),
        ("--pin=yes", "PIN='yes': give 0 or 1"),
        ("--sink=devnull", "SINK='devnull': choose one of discard, copy"),
    ],
)
def test_a_wrong_value_is_named_as_it_was_given(given: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parser_of("load", "").parse_args([given])
    assert str(refused.value).startswith(says)


@pytest.mark.parametrize("given", [{"A": "monday", "B": "tuesday"}, {"A": "monday"}, {"B": "tuesday"}])
def test_the_two_runs_of_a_comparison_keep_their_names(given: dict[str, str]) -> None:
    words = knobs.arguments("compare", given, make.COMMANDS["compare"].positional)
    parsed = parser_of("compare", "").parse_args(words)
    assert (parsed.a, parsed.b) == (given.get("A"), given.get("B"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("clean FOO=1", "make clean has no knob FOO (`make help` lists them)"),
        ("clean test FOO=1", "make clean has no knob FOO (`make help` lists them)"),
        ("FOO=1", "make help has no knob FOO (`make help` lists them)"),
        ("test A=x", "make test has no knob A: it is a knob of make compare (`make help` lists them)"),
        ("clean load ROUNDS=0", "ROUNDS=0: give a whole number from 1 to 1000"),
    ],
)
def test_what_takes_no_knob_does_nothing_where_one_is_given(tmp_path: Path, words: str, says: str) -> None:
    """In a copy, from which `make clean` could remove nothing of ours."""
    copy_project(tmp_path)
    shutil.copy(PROJECT / "Makefile", tmp_path)
    command = ["make", "--no-print-directory", f"PYTHON={sys.executable}", *words.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {says}\n")


def test_make_itself_asks_about_a_command_that_does_not_exist() -> None:
    done = subprocess.run(
        ["make", "--no-print-directory", "laod"], cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no command laod; did you mean load?")


@pytest.mark.parametrize(
    ("name", "near"),
    [("sendfil", "; did you mean sendfile?"), ("SENDFILE", "; did you mean sendfile?"), ("xyzzy", ""), ("", "")],
)
def test_what_was_perhaps_meant_is_asked(name: str, near: str) -> None:
    assert suggestion(name, ["read-send", "sendfile", "splice"]) == near


def test_every_command_of_the_makefile_is_known_and_every_knob_belongs_to_one() -> None:
    assert {command for knob in KNOBS.values() for command in knob.of} <= set(make.COMMANDS)
    makefile = (PROJECT / "Makefile").read_text()
    for command in make.COMMANDS:
        assert f"\n## {command}: " in makefile, command


def test_choices_are_those_of_the_code() -> None:
    assert KNOBS["SINK"].choices == SINKS and KNOBS["AXIS"].choices == get_args(AxisName)


def test_variants_are_reproduced_and_what_is_none_is_refused(tmp_path: Path) -> None:
    names = "read-send@buffer-offset=16B+chunk=64KiB sendfile splice@pipe=64KiB@again nginx-read@again"
    request = read(bare_report(tmp_path, f"make load MODES='{names}' BASELINE=splice@pipe=64KiB@again"))
    assert request.modes == names.split() and request.load_arguments[:5] == ["--modes", *names.split()]
    for garbage in ("sendfile@", "sendfile@x", "sendfile@--root=1", "a@b=1+", "a@b=1@c=2", "a@again@again", "@again"):
        with pytest.raises(UsageError, match="has no option"):
            read(bare_report(tmp_path, f"make load MODES='read-send {garbage}'"))


def test_limits_between_modes_are_reproduced_and_what_is_none_is_refused(tmp_path: Path) -> None:
    given = "make load MODES='read-send sendfile@chunk=64KiB' MAX='sendfile@chunk=64KiB/read-send<=1.05' STRICT=1"
    words = read(bare_report(tmp_path, given)).load_arguments
    assert words[words.index("--max") + 1] == "sendfile@chunk=64KiB/read-send<=1.05" and "--strict=1" in words
    for garbage in ("1.05", "a/b<=x", "a/b<=1 --root=1", "a/../b<=1"):
        with pytest.raises(UsageError, match="has no option"):
            read(bare_report(tmp_path, f"make load MAX='{garbage}'"))


def test_a_run_of_the_past_is_still_reproduced(tmp_path: Path) -> None:
    run = synthetic.run()
    command = f"make load MODES='{' '.join(run.modes)}' ROUNDS=7 WINDOW=0.3 USERS=4 SINK=discard SIZE=8388608 SEED=1"
    command += " WARM_UP=0.2 PROFILE=1 CALIBRATE=1"
    words = read(bare_report(tmp_path, command)).load_arguments
    assert {"--rounds=7", "--window=0.3", "--calibrate=1", "--warm-up=0.2"} <= set(words)
