"""Several modes at once: one child process each.

Its rule: the children end when this process does, however it ends. A signal makes it end them; when it is killed,
they see the end of file of a pipe, the lifeline, whose other end it alone holds.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable

from errors import EXIT_DONE, EXIT_FAILED, UserError
from servers.cli import Arguments
from servers.server import Limits

# Signals stay blocked here and are waited for, so that none can come at a wrong moment. The children inherit the
# block, and lift it when their handlers are in place: a Ctrl-C while they start stops them as it does later.
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})

_END_S = Limits().grace_s + 5.0


def serve_all(arguments: Arguments) -> int:
    """Serve until a signal comes or one of the children ends, then end the others.

    The exit code is 1 when one of them failed; why is what it said on stderr. Raises UserError for one that was killed.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # a parent that ignores it may have handed that down
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    lifeline, held = os.pipe()
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in arguments.modes:
            command = [sys.executable, "-m", "servers", *arguments.command_line_of(name), f"--lifeline={lifeline}"]
            children[name] = subprocess.Popen(command, pass_fds=[lifeline])
        os.close(lifeline)
        _wait_for_the_end(children.values())
        codes = {name: child.poll() for name, child in children.items()}
    finally:
        _end(children.values())
        os.close(held)
    for name, code in codes.items():
        if code is not None and code < 0:
            raise UserError(f"{name} was ended by {signal.Signals(-code).name}: the other servers were stopped with it")
    return EXIT_FAILED if any(child.returncode > 0 for child in children.values()) else EXIT_DONE


def _wait_for_the_end(children: Iterable[subprocess.Popen[bytes]]) -> None:
    while all(child.poll() is None for child in children):
        if signal.sigwait(SIGNALS) != signal.SIGCHLD:
            return


def _end(children: Iterable[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_END_S)
        except subprocess.TimeoutExpired:  # stopped by a debugger, say
            child.kill()
            child.wait()
