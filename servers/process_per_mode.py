"""Serves several modes at once, each in a child process.

Its rule: the children end when this process does, however it ends. On a signal it ends them; if it is killed, they see
the end of file of a pipe, the lifeline, whose other end only this process holds.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Mapping

from errors import EXIT_DONE, EXIT_FAILED, UserError
from interpreter import PYTHON
from servers.cli import Arguments
from servers.server import Limits

# Blocked here and waited for, so that none is missed. The children inherit the block and lift it once their handlers
# are set: a Ctrl-C while they start then stops them as cleanly as it does later.
SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGCHLD})

_END_S = Limits().grace_s + 5.0


def serve_all(arguments: Arguments) -> int:
    """Serve until a signal comes or a child ends, then end the others; say where, once all are ready.

    Returns exit code 1 when a child failed, which has said why on stderr. Raises UserError when one was killed.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # an ignored SIGCHLD is inherited from the parent
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    lifeline, held = os.pipe()
    children: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in arguments.modes:
            command = [*PYTHON, "-m", "servers", *arguments.command_line_for(name), f"--lifeline={lifeline}"]
            children[name] = subprocess.Popen(command, pass_fds=[lifeline], stdout=subprocess.PIPE)
        os.close(lifeline)
        _announce(arguments, {name: _port(child) for name, child in children.items()})
        while all(child.poll() is None for child in children.values()):
            if signal.sigwait(SIGNALS) != signal.SIGCHLD:
                break
        codes = {name: child.poll() for name, child in children.items()}
    finally:
        _end(children.values())
        os.close(held)
    for name, code in codes.items():
        if code is not None and code < 0:
            raise UserError(f"{name} was killed by {signal.Signals(-code).name}; the other servers were stopped too")
    return EXIT_FAILED if any(child.returncode > 0 for child in children.values()) else EXIT_DONE


def _port(child: subprocess.Popen[bytes]) -> int | None:
    """The port of a child once it is ready; None when it has ended, which also a signal does while it starts."""
    assert child.stdout is not None
    with child.stdout as stdout:
        words = stdout.readline().split()
    return int(words[2]) if words[:1] == [b"ready"] else None


def _announce(arguments: Arguments, ports: Mapping[str, int | None]) -> None:
    ready = {name: port for name, port in ports.items() if port is not None}
    if len(ready) < len(ports):
        return
    from servers import announcement  # only now: a measured process imports as little as it can

    print("\n".join(announcement.lines(arguments, ready)), flush=True)


def _end(children: Iterable[subprocess.Popen[bytes]]) -> None:
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(_END_S)
        except subprocess.TimeoutExpired:  # stopped by a debugger, say
            child.kill()
            child.wait()
