"""Tiny campaigns for tests: their commands, what they leave behind, and one that can be disturbed while it runs."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT, eventually

TINY = ["--rounds", "2", "--window", "0.3", "--warm-up", "0.1", "--profile", "1", "--users", "2", "--any-port"]
TINY += ["--retries", "0"]  # a machine that runs other tests is never calm
SHORT_CELLS = ["--modes", "read-send", "sendfile", "--window", "0.2", "--warm-up", "0", "--profile", "0"]


def folders(served: Path) -> list[str]:
    """The options that keep a run's input and output in this folder."""
    return [
        "--root",
        str(served),
        "--runs-folder",
        str(served / "profiles"),
        "--reports-folder",
        str(served / "reports"),
    ]


def command(served: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "scripts.load", *TINY, *folders(served), "--run", "tiny", *more]


def run(served: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(served, *more), cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)


def folder(served: Path) -> RunFolder:
    return RunFolder(served / "profiles" / "tiny")


_ASK = """if True:
    import contextlib, importlib, io, json, sys
    from errors import run_command
    script = importlib.import_module(sys.argv[1])
    answers = {}
    for name, arguments in json.loads(sys.argv[2]).items():
        sys.argv[1:] = arguments
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            try:
                run_command(script.main)
            except SystemExit as end:
                answers[name] = end.code, stderr.getvalue()
    print(json.dumps(answers))"""

Answers = dict[str, tuple[int, str]]


def answers(script: str, asked: Mapping[str, Sequence[str]]) -> Answers:
    """Exit code and standard error of a script for each of these arguments, by name, from one process for all of them:
    importing locust takes longer than being refused."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK, f"scripts.{script}", json.dumps(asked)],
        cwd=PROJECT, capture_output=True, text=True, check=True, timeout=100,
    )  # fmt: skip
    found: Answers = json.loads(done.stdout)
    return found


class Running:
    """A campaign that would go on for a long while."""

    def __init__(self, served: Path, *more: str, cells: int = 2) -> None:
        self.process = subprocess.Popen(
            command(served, *SHORT_CELLS, "--rounds", "500", *more),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.folder = folder(served)
        try:
            eventually(lambda: len(self.folder.read_cells()) >= cells)
        except AssertionError:
            self.process.kill()
            raise
        self.started = psutil.Process(self.process.pid).children(recursive=True)

    def said(self) -> tuple[int, str]:
        """Wait for its end: exit code and standard error."""
        try:
            _, said = self.process.communicate(timeout=100)
        finally:
            self.process.kill()
        return self.process.returncode, said

    def end(self) -> tuple[int, str]:
        """Exit code and last line; asserts that nothing that was started is left."""
        code, said = self.said()
        eventually(self.nothing_is_left)
        return code, said.strip().splitlines()[-1]

    def kill(self) -> None:
        """Kill it; asserts that nothing that was started is left."""
        self.process.kill()
        self.process.communicate()
        eventually(self.nothing_is_left)

    def nothing_is_left(self) -> bool:
        return not any(child.is_running() and child.status() != "zombie" for child in self.started)

    def loaded_server(self, mode: str) -> psutil.Process:
        """The server of a mode, once both of its users are connected: its first slice has begun."""
        found: list[psutil.Process] = []

        def loaded() -> bool:
            found[:] = [self.child("servers", mode)]
            return connections(found[0]) >= 2

        eventually(loaded)
        return found[0]

    def child(self, *words: str) -> psutil.Process:
        """One of its processes, by words of its command line."""
        found: list[psutil.Process] = []

        def there() -> bool:
            children = psutil.Process(self.process.pid).children(recursive=True)
            found[:] = [child for child in children if {*words} <= {*command_line(child)}]
            return bool(found)

        eventually(there)
        return found[0]


def connections(process: psutil.Process) -> int:
    try:
        return sum(one.status == psutil.CONN_ESTABLISHED for one in process.net_connections("tcp"))
    except psutil.NoSuchProcess:
        return 0


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
