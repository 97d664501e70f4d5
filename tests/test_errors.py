"""A command ends with one line and an exit code, whatever went wrong."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from errors import CommandParser, UsageError, UserError, remedy, run_command
from tests.conftest import PROJECT


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("no such thing: do this"), 1, "error: no such thing: do this\n"),
        (UserError("special", 7), 7, "error: special\n"),
        (UsageError("cannot mean that"), 2, "error: cannot mean that\n"),
        (UserError("no run 'a\x1b[2J\x9b\udcff\r'"), 1, "error: no run 'a\\x1b[2J\\x9b\\udcff\\r'\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
    ],
)
def test_an_error_becomes_one_line_and_its_exit_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run_command(lambda: raising(error))
    assert end.value.code == code
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("code", [0, 1, 3])
def test_a_command_ends_with_what_its_main_returns(code: int) -> None:
    with pytest.raises(SystemExit) as end:
        run_command(lambda: code)
    assert end.value.code == code


def test_a_bug_stays_visible() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 // 0)


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    program = "from errors import run_command\nrun_command(lambda: [print('x' * 99) for _ in range(9999)] and 0)"
    command = subprocess.Popen(
        [sys.executable, "-c", program], cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    command.stdout.readline()
    command.stdout.close()
    assert command.stderr is not None
    with command.stderr:
        assert command.stderr.read() == ""
    assert command.wait(20) == 0


def test_a_wrong_option_is_one_line_of_usage() -> None:
    parser = CommandParser(prog="make it")
    with pytest.raises(UsageError, match="unrecognized arguments: --so; `make it --help` lists the options"):
        parser.parse_args(["--so"])


IMPORTS = "from errors import run_command\nfrom rich.console import Console\n"
SMALL_OUTPUT = "print('x')"
LARGE_OUTPUT = "[print('x' * 99) for _ in range(9999)]"
RICH_OUTPUT = "Console().print('x')"


def run_with_stdout(stdout: str, expression: str) -> "subprocess.CompletedProcess[str]":
    """A command that evaluates this, with its standard output as the shell is told."""
    program = f"{IMPORTS}run_command(lambda: {expression} and 0)"
    command = ["sh", "-c", f'"$0" -c "$1" {stdout}', sys.executable, program]
    return subprocess.run(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True, check=False, timeout=30)


@pytest.mark.parametrize("expression", [SMALL_OUTPUT, LARGE_OUTPUT, RICH_OUTPUT])
@pytest.mark.parametrize(
    ("stdout", "line"),
    [
        (">&-", "error: standard output is closed: leave it open, or send it to a file or to /dev/null\n"),
        (">/dev/full", "error: cannot write to standard output: No space left on device; send it somewhere else\n"),
    ],
)
def test_output_that_cannot_be_written_is_one_line(expression: str, stdout: str, line: str) -> None:
    done = run_with_stdout(stdout, expression)
    assert (done.returncode, done.stderr) == (1, line)


@pytest.mark.parametrize("code", [0, 3])
@pytest.mark.parametrize("expression", [LARGE_OUTPUT, "Console().print('x\\n' * 9999)"])
def test_a_reader_that_has_seen_enough_does_not_change_how_it_went(expression: str, code: int) -> None:
    program = f"{IMPORTS}run_command(lambda: {expression} and 0 or {code})"
    with subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stdout=-1, stderr=-1) as command:
        assert command.stdout and command.stderr and command.stdout.read(1) == b"x"
        command.stdout.close()
        assert (command.wait(30), command.stderr.read()) == (code, b"")


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some space there"),
        (errno.EACCES, "change its permissions"),
        (errno.EROFS, "the file system is read-only"),
        (errno.ENOTDIR, "a file is in the way"),
    ],
)
def test_only_a_full_disk_is_to_be_emptied(number: int, advice: str) -> None:
    error = OSError(number, os.strerror(number))
    assert advice in remedy(error)
    assert ("space" in remedy(error)) == (number == errno.ENOSPC)


def test_an_error_of_the_system_that_nobody_explained_stays_visible() -> None:
    with pytest.raises(FileNotFoundError):
        run_command(lambda: len(Path("/nowhere/at/all").read_bytes()))


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "module",
    ["reports", "scripts.doctor", "scripts.prove", "scripts.load", "servers.payload", "scripts.benchmark_client"],
)
def test_every_command_says_it_in_one_line(module: str, stdout: str) -> None:
    command = ["sh", "-c", f'"$0" -m "$1" --help {stdout}', sys.executable, module]
    done = subprocess.run(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True, check=False, timeout=30)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
