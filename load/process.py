"""What a process that measures needs: to be the only one on this machine, enough file descriptors, an end in order."""

import contextlib
import resource
import socket
import subprocess
from collections.abc import Iterator

import gevent

from errors import UserError
from interpreter import PYTHON
from profiles.targets.catalog import PROJECT


@contextlib.contextmanager
def campaign_lock(allowed_beside_others: bool) -> Iterator[None]:
    """Raises UserError while another campaign runs: two would measure each other.

    The lock is a name in the abstract socket namespace (unix(7)): it ends with its process and leaves no file.
    """
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            if not allowed_beside_others:
                lock.bind("\0zero-copy-bench-campaign")
        except OSError as error:
            why = "another campaign is running on this machine, and two would measure each other"
            raise UserError(f"{why}: wait") from error
        yield


def raise_limit_on_files() -> None:
    """Allow as many descriptors as the hard limit does: each user needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def raise_in_main_greenlet(*numbers: int) -> None:
    """Turn the first of these signals into a KeyboardInterrupt in the greenlet that calls this.

    Python raises it in whatever greenlet runs at that moment, and Locust's spawning greenlet swallows it.
    """
    main = gevent.getcurrent()

    def interrupt() -> None:
        for number in numbers:  # a second one must not cut the clean-up short
            gevent.signal_handler(number, lambda: None)
        main.throw(KeyboardInterrupt)

    for number in numbers:
        gevent.signal_handler(number, interrupt)


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
