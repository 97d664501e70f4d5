"""The project's error types, and how a command ends with them.

Its rule: a message says what was tried, on what, why it failed and what to do. A UserError is raised where the cause is
known and caught once, in run_command().
"""

import argparse
import errno
import io
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, NoReturn, cast

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

_REMEDIES = {
    errno.ENOSPC: "free some space there, or choose another place",
    errno.EDQUOT: "free some of your quota there, or choose another place",
    errno.EFBIG: "raise the limit on file sizes (`ulimit -f`)",
    errno.EACCES: "change its permissions, or choose another place",
    errno.EPERM: "change its permissions, or choose another place",
    errno.EROFS: "the file system is read-only: choose another place",
    errno.ENOTDIR: "a file is in the way: remove it, or choose another place",
    errno.EEXIST: "a file is in the way: remove it, or choose another place",
    errno.EISDIR: "a folder is in the way: remove it, or choose another place",
    errno.ENOENT: "its folder has gone: create it again",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "raise the limit on open files (`ulimit -n`)",
    errno.ENFILE: "raise the machine's limit on open files (fs.file-max, sysctl(8))",
    errno.ENETUNREACH: "no route leads there: bring the interface up (`ip link set lo up` for loopback)",
    errno.EADDRNOTAVAIL: "the local ports have run out: see net.ipv4.ip_local_port_range, ip(7)",
    errno.EIO: "the disk fails: see `dmesg`",
}


def remedy(error: OSError, otherwise: str = "check that place, or choose another") -> str:
    """What to do about a file or folder that cannot be written, or a connection that cannot be made."""
    return _REMEDIES.get(error.errno or 0, otherwise)


class UserError(Exception):
    """A problem that the user can solve: a message of one line, printable whatever it quotes, and an exit code."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILED) -> None:
        super().__init__("\n".join(map(printable, message.split("\n"))))
        self.exit_code = exit_code


def printable(text: str) -> str:
    """The text with what would move a terminal's cursor or colours, or begin a line, written as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class UsageError(UserError):
    """The command line or a value in it is wrong (exit code 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, EXIT_USAGE)


def suggestion(name: str, known: Iterable[str]) -> str:
    """ "; did you mean sendfile?", or nothing where no name is near. Case does not count."""
    from difflib import get_close_matches  # only now: a measured process has no use for it

    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), by_folded, 1)
    return f"; did you mean {by_folded[near[0]]}?" if near else ""


class CommandParser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError instead of printing its usage."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            name, choices = "/".join(action.option_strings) or action.dest, [str(each) for each in action.choices]
            raise UsageError(f"{name} {value}: choose one of {', '.join(choices)}{suggestion(str(value), choices)}")

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; `{self.prog} --help` lists the options")


class _StandardOutput(io.FileIO):
    """File descriptor 1. Its first failure is a UserError, since argparse swallows an OSError; then output is dropped.

    A reader that has gone (`… | head`) is not an error.
    """

    _failed = False

    def write(self, data: Any, /) -> int:
        if self._failed:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._failed = True
            if isinstance(error, BrokenPipeError):
                return len(data)
            raise UserError(f"cannot write to standard output: {error.strerror}; send it somewhere else") from error


def run_command(main: Callable[[], int]) -> None:
    """Run a command's main and exit with its code; a UserError becomes one line on stderr.

    So does a standard output that is closed or cannot be written to.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if code := _outcome(_watch_output):
        sys.exit(code)
    code = _outcome(main)
    sys.exit(_outcome(_flush_output) or code)


def _outcome(action: Callable[[], int]) -> int:
    """The action's exit code, also when it raises UserError or is interrupted."""
    try:
        return action()
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
    if sys.stdout is None:  # the next file to be opened would become descriptor 1
        raise UserError("standard output is closed: leave it open, or send it to a file or to /dev/null")
    if sys.stdout is sys.__stdout__:  # not replaced by a test
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
