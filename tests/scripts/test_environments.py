"""A campaign ends with its report on other people's machines: without a home, with strange variables, read-only."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from scripts.make import COMMANDS
from tests.conftest import PROJECT
from tests.copied import copy_project
from tests.scripts.campaigns import SHORT_CELLS, TINY, folders
from tests.test_interpreter import HOSTILE

PROXY = "http://127.0.0.1:9"  # discards
PROXIES = {name: PROXY for word in ("http", "https", "all") for name in (f"{word}_proxy", f"{word.upper()}_PROXY")}
# Another user to itself, and to its files who starts it.
NOBODY = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]


def campaign(
    served: Path, environment: Mapping[str, str], prefix: Sequence[str] = (), project: Path = PROJECT
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-E", "-m", "scripts.load", *TINY, *SHORT_CELLS, "--rounds", "1", "--run", "tiny"]
    command += folders(served)
    return subprocess.run(
        [*prefix, *command], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=110
    )


def has_report(served: Path, done: subprocess.CompletedProcess[str]) -> bool:
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return (served / "reports" / "tiny" / "index.html").stat().st_size > 100_000


def test_a_user_without_a_name_and_a_home(served: Path) -> None:
    tried = subprocess.run([*NOBODY, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no user namespace can be made here: {tried.stderr.strip()}")
    without = {name: text for name, text in os.environ.items() if name not in ("HOME", "USER", "LOGNAME")}
    assert has_report(served, campaign(served, without, NOBODY))


@pytest.mark.parametrize(
    "settings", [HOSTILE, pytest.param(PROXIES, marks=pytest.mark.slow)], ids=["python", "proxies"]
)
def test_settings_that_are_meant_for_others(served: Path, settings: dict[str, str]) -> None:
    assert has_report(served, campaign(served, os.environ | settings))


def test_what_the_report_needs_is_tried_before_anything_is_measured(served: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    copy_project(project)
    (project / "altair.py").write_text("raise ImportError('no such chart')\n")
    done = campaign(served, os.environ, project=project)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: nothing is measured, since no report could be built: ImportError: no such")
    assert not (served / "profiles").exists()


@pytest.mark.slow
def test_a_checkout_that_cannot_be_written_with_out_elsewhere(tmp_path: Path) -> None:
    """With a name of blanks and other letters, below a mount that is read-only for root too."""
    project, out = tmp_path / "naïve check out", tmp_path / "it's $out#"
    copy_project(project)
    for cache in project.rglob("__pycache__"):
        shutil.rmtree(cache)
    read_only = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && ! touch x 2>&- && exec "$@"'
    prefix = ["unshare", "--mount", "--map-root-user", "sh", "-c", read_only, str(project)]
    if (tried := subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    given = {"OUT": str(out), "SIZE": "1MiB", "MODES": "read-send"}
    make = [sys.executable, "-E", "-m", "scripts.make"]
    for command in ("test-file", "prove", "runs"):
        done = subprocess.run(
            [*prefix, *make, command], env=os.environ | given, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, ""), command
    (file,) = (out / "data").rglob("test-file.bin")
    assert has_report(file.parent, campaign(file.parent, os.environ, prefix, project))


def test_every_command_takes_the_folders_that_out_names() -> None:
    """In one process for all of them but Locust."""
    ask = """if True:
        import contextlib, io, json, runpy, sys
        from scripts.make import COMMANDS
        said = {}
        for name, command in COMMANDS.items():
            if command.program[0] != "locust":
                sys.argv = [name, "--help"]
                with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.suppress(SystemExit):
                    runpy.run_module(command.program[0], run_name="__main__", alter_sys=True)
                said[name] = out.getvalue()
        print(json.dumps(said))"""
    said = json.loads(answer("-c", ask))
    locusts = "import locustfile; from locust.argument_parser import get_parser; print(get_parser().format_help())"
    said["ui"] = answer("-c", locusts)
    missing = [
        (name, option) for name, each in COMMANDS.items() for option in each.folders if f"--{option} " not in said[name]
    ]
    assert missing == []


def answer(*words: str) -> str:
    return subprocess.run([sys.executable, *words], cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True).stdout
