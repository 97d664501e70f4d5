"""What a process that measures needs: enough file descriptors, and an end in order."""

import contextlib
import os
import resource
import signal
import stat
import subprocess
from pathlib import Path

import gevent

from interpreter import PYTHON
from profiles.targets.catalog import PROJECT


def raise_limit_on_files() -> None:
    """Allow as many descriptors as the hard limit does: each user needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def raise_in_main_greenlet(*numbers: int) -> None:
    """Turn the first of these signals, or a hang-up, into a KeyboardInterrupt in the greenlet that calls this.

    Python raises it in whatever greenlet runs at that moment, and Locust's spawning greenlet swallows it. A hang-up is
    ignored where nohup(1) or the like asked for that.
    """
    main = gevent.getcurrent()
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers = (*numbers, signal.SIGHUP)

    def interrupt(number: int) -> None:
        for each in numbers:  # a second one must not cut the clean-up short; in the place of gevent's, which add up
            signal.signal(each, lambda *_: None)
        if number == signal.SIGHUP:
            _leave_terminal()
        main.throw(KeyboardInterrupt)

    for number in numbers:
        gevent.signal_handler(number, interrupt, number)


def _leave_terminal() -> None:
    """The terminal has gone, and writing to it would be an error (EIO): what is said now goes nowhere."""
    with Path(os.devnull).open("r+b") as nowhere:
        for fd in (0, 1, 2):
            with contextlib.suppress(OSError):  # it is closed
                if stat.S_ISCHR(os.fstat(fd).st_mode):
                    os.dup2(nowhere.fileno(), fd)


def wait_or_kill(process: "subprocess.Popen[bytes]", within_s: float) -> None:
    """Wait for a child that has been told to end, and kill it after that time."""
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run_module(*words: str) -> str:
    """Run `python -m` in the project's folder; why it failed, in one line, empty where it did not."""
    command = [*PYTHON, "-m", *words]
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    errors = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return errors[-1].removeprefix("error: ") if done.returncode else ""
