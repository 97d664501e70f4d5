"""A command ends with one line and an exit code, whatever went wrong."""

import subprocess
import sys

import pytest

from errors import CommandParser, UsageError, UserError, run_command
from tests.conftest import PROJECT


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UserError("no such thing: do this"), 1, "error: no such thing: do this\n"),
        (UserError("special", 7), 7, "error: special\n"),
        (UsageError("cannot mean that"), 2, "error: cannot mean that\n"),
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
    with pytest.raises(UsageError, match="unrecognized arguments: --so; `make it --help` says what there is"):
        parser.parse_args(["--so"])
