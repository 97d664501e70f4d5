"""Run a command of the project in this process: to start another one takes longer than most of what it does."""

import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from errors import run_command


@dataclass(frozen=True, slots=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run_here(main: Callable[[], int], *arguments: str, environment: Mapping[str, str] | None = None) -> Done:
    """What the command says, and its exit code. Output of its child processes is not among it."""
    out, err = io.StringIO(), io.StringIO()
    with _as_command(arguments, environment or {}), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run_command(main)
        except SystemExit as end:
            assert isinstance(end.code, int)
            return Done(end.code, out.getvalue(), err.getvalue())
    raise AssertionError("run_command returned")


@contextlib.contextmanager
def _as_command(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Iterator[None]:
    argv, variables, handler = sys.argv, dict(os.environ), signal.getsignal(signal.SIGINT)
    sys.argv = ["command", *arguments]
    os.environ.update(environment)
    try:
        yield
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(variables)
        signal.signal(signal.SIGINT, handler)
