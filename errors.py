"""The one error type of the project, known to every room.

Its rule: a message says what was tried, on what, why it failed and what to do.
It is raised where the cause is known and caught once, in the command that ran.
"""

import argparse
import errno
import io
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, NoReturn, cast

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


_REMEDIES = {
    errno.ENOSPC: "free some space there, or choose another place",
    errno.EDQUOT: "free some of your quota there, or choose another place",
    errno.EFBIG: "raise the limit on the size of files (`ulimit -f`)",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EROFS: "that file system can only be read: choose another place",
    errno.ENOTDIR: "a file is in the way: remove it, or choose another place",
    errno.EEXIST: "a file is in the way: remove it, or choose another place",
    errno.EISDIR: "a folder is in the way: remove it, or choose another place",
    errno.ENOENT: "the folder that it belongs into has gone: make it again",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "raise the limit on open files (`ulimit -n`)",
    errno.EIO: "the disk fails: look into `dmesg`",
}


def remedy(error: OSError) -> str:
    """What to do when a file or folder cannot be written, fit for the reason."""
    return _REMEDIES.get(error.errno or 0, "see what is special about that place, or choose another")


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


class _StandardOutput(io.FileIO):
    """File descriptor 1, which fails once, and as an error that the user can mend: argparse swallows an OSError.

    A reader that has seen enough is no error: what is left to say is left unsaid, and the exit code is the command's.
    """

    _given_up = False

    def write(self, data: Any, /) -> int:
        if self._given_up:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._given_up = True
            if isinstance(error, BrokenPipeError):
                return len(data)
            raise UserError(f"cannot write to standard output: {error.strerror}; send it somewhere else") from error


def run_command(main: Callable[[], int]) -> None:
    """Run a command's main and exit with its code; a UserError becomes one line on stderr.

    Output that cannot be written is one: a standard output that is closed, or on a full disk. A reader that has seen
    enough (`… | head`) is none.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if code := _outcome(_watch_output):
        sys.exit(code)
    code = _outcome(main)
    sys.exit(_outcome(_flush_output) or code)


def _outcome(deed: Callable[[], int]) -> int:
    try:
        return deed()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    except SystemExit as end:  # argparse, after --help
        assert isinstance(end.code, int)
        return end.code


def _watch_output() -> int:
    if sys.stdout is None:  # a file that is opened later would take its place
        raise UserError("standard output is closed: leave it open, or send it to a file or to /dev/null")
    if sys.stdout is sys.__stdout__:  # and not what a test has put there
        out = cast(io.TextIOWrapper, sys.stdout)
        raw = _StandardOutput(1, "w", closefd=False)
        buffer = cast(BinaryIO, raw if out.write_through else io.BufferedWriter(raw))
        sys.stdout = io.TextIOWrapper(
            buffer, out.encoding, out.errors, line_buffering=out.line_buffering, write_through=out.write_through
        )
    return EXIT_DONE


def _flush_output() -> int:
    if sys.stdout is not None:
        sys.stdout.flush()
    return EXIT_DONE
