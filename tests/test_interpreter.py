"""No process of ours depends on what the user's environment sets for Python."""

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from interpreter import PYTHON, ctrl_c_later
from tests.conftest import PROJECT, eventually
from tests.download import digest_of
from tests.test_imports import ROOMS, python_files

FILES = [path for room in ROOMS for path in python_files(room)] + sorted(PROJECT.glob("*.py"))
HOSTILE = {
    "PYTHONOPTIMIZE": "2", "PYTHONSAFEPATH": "1", "PYTHONPATH": "/nonexistent", "PYTHONINSPECT": "1",
    "PYTHONWARNINGS": "error", "PYTHONVERBOSE": "1", "PYTHONNODEBUGRANGES": "1", "PYTHONTRACEMALLOC": "5",
}  # fmt: skip


def started(path: Path) -> Iterator[str]:
    """What follows sys.executable in each list or tuple that begins with it."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.List | ast.Tuple) and node.elts and ast.unparse(node.elts[0]) == "sys.executable":
            yield ast.unparse(node.elts[1]).strip("'")


def test_python_is_started_without_its_variables_everywhere() -> None:
    wrong = {str(path): options for path in FILES if not set(options := list(started(path))) <= {"-E", "-I"}}
    assert wrong == {} and list(started(PROJECT / "interpreter.py")) == ["-E"]


def test_the_makefile_starts_no_python_with_its_variables_and_no_program_of_the_environment() -> None:
    text = (PROJECT / "Makefile").read_text()
    assert 'RUN_PYTHON := "$(VENV)/bin/python" -E\n' in text
    assert set(re.findall(r'"(?:\$\$p|\$\(PYTHON\))" (-\w)', text)) == {"-E", "-I"}
    assert not re.search(r"\bbin/(?!sh\b|python\b|env\b)", text.replace("$(VENV)/bin: each", ""))


def test_servers_start_where_the_environment_would_keep_them_from_it(served: Path, tmp_path: Path) -> None:
    """Several, so that they are processes below one that was started so."""
    command = [sys.executable, "-E", "-m", "servers", "read-send", "sendfile", "--port", "0", "--root", str(served)]
    with (tmp_path / "said").open("wb") as said:
        servers = subprocess.Popen(command, cwd=PROJECT, env=os.environ | HOSTILE, stdout=said, stderr=said)
    try:
        eventually(lambda: servers.poll() is not None or len(ports_below(servers.pid)) == 2)
        assert len({digest_of(port) for port in ports_below(servers.pid)}) == 1
    finally:
        servers.terminate()
    assert servers.wait(30) == 0 and "import " not in (tmp_path / "said").read_text()  # PYTHONVERBOSE prints that


def ports_below(pid: int) -> list[int]:
    children = {child.pid for child in psutil.Process(pid).children()}
    found = psutil.net_connections("tcp")
    return [one.laddr[1] for one in found if one.laddr and one.pid in children and one.status == psutil.CONN_LISTEN]


def test_help_is_printed_all_the_same() -> None:
    command = [sys.executable, "-E", "-m", "scripts.make", "help"]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | HOSTILE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "OUT" in done.stdout


def test_ctrl_c_while_modules_load_is_heard_afterwards() -> None:
    with ctrl_c_later():
        command = [*PYTHON, "-m", "reports", "no-such-run"]
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, ("", "interrupted\n"))
