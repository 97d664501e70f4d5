"""The one error type of the project, known to every room.

Its rule: a message says what was tried, on what, why it failed and what to do.
It is raised where the cause is known and caught once, in the command that ran.
"""

import argparse
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """Something the user can mend: one clear line, and the exit code that belongs to it."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class UsageError(UserError):
    """The command was asked for something that it cannot mean (exit code 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_USAGE)


class CommandParser(argparse.ArgumentParser):
    """An argparse parser whose errors are one line, like all the others."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` says what there is")


def run_command(main: Callable[[], int]) -> None:
    """Run a command's main and exit with its code; a UserError becomes one line on stderr."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # `… | head`: the reader has seen enough
        sys.stdout = None  # keeps the interpreter from flushing into it again
        code = EXIT_DONE
    sys.exit(code)
