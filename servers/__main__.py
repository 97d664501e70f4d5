"""python -m servers [MODE...]: one process per mode.

One mode prints "ready NAME PORT CONGESTION_CONTROL", for a program; several print a table, for a person.
"""

import contextlib
import errno
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from errors import EXIT_DONE, UserError, run_command
from servers import cli, discovery, files, process_per_mode, raw, sockets
from servers.cli import Arguments
from servers.log import log
from servers.mode import DESCRIPTORS_PER_CONNECTION, OWN_DESCRIPTORS, most_connections
from servers.server import Limits, Server
from units import format_size

_OTHER = "free ports: --ports free (make servers PORTS=free)"
_FREE = "free ports: PORTS=free"


def main(argv: Sequence[str] | None = None) -> int:
    wanted = cli.parse(argv)
    if wanted.root is None or wanted.size is not None:
        from servers import payload  # only now: a measured process is told its root

        wanted = replace(wanted, root=payload.served_folder(wanted.root, wanted.size), size=None)
    if wanted.lifeline is None and wanted.port != 0:
        from ports import require_free

        own = {name: discovery.import_mode(name)[0].port for name in wanted.modes}
        require_free({name: wanted.port or port for name, port in own.items()}, wanted.host, _OTHER)
    return serve_one(wanted) if len(wanted.modes) == 1 else process_per_mode.serve_all(wanted)


def serve_one(wanted: Arguments) -> int:
    """Serve a mode in this process until SIGTERM, SIGINT or the end of the lifeline."""
    name = wanted.modes[0]
    facts, send = discovery.import_mode(name)
    discovery.prepare(name)
    send_file: Callable[..., None] = send
    options = wanted.options[name]
    assert wanted.root is not None
    root = files.resolve_root(wanted.root)
    if wanted.protocol == "raw":
        raw.require_file(root)
    limits = Limits(connections=_allowed_connections(wanted.connections))
    port = facts.port if wanted.port is None else wanted.port
    listener = _listen(name, wanted.host, port, for_a_load=wanted.lifeline is not None)
    congestion = sockets.set_congestion_control(listener, wanted.congestion)
    bound = partial(send_file, **{option.replace("-", "_"): size for option, size in options.items()})
    server = Server(
        listener,
        root,
        bound,
        limits,
        wanted.lifeline,
        discovery.wrapper(facts),
        discovery.requirement(name),
        wanted.protocol,
    )
    with contextlib.closing(server), _stopped_by_signals(server):
        port = listener.getsockname()[1]
        if wanted.lifeline is None:
            log(
                f"{name}: serving {os.fsdecode(root)} on {wanted.host} port {port}, congestion control {congestion}"
                + "".join(f", {option} {format_size(size)}" for option, size in options.items())
            )
        _announce(f"ready {name} {port} {congestion}")
        server.serve()
    return EXIT_DONE


def _allowed_connections(wanted: int) -> int:
    """As many connections as descriptors allow, after raising the soft limit if need be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = DESCRIPTORS_PER_CONNECTION * wanted + OWN_DESCRIPTORS
    limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    allowed = most_connections(max(limit, soft), wanted)
    if allowed < wanted:
        log(f"at most {allowed} connections: the limit on open files is {limit}")
    return allowed


def _listen(name: str, host: str, port: int, *, for_a_load: bool) -> socket.socket:
    """for_a_load: an agent started this, so that nobody could give it a port."""
    try:
        return sockets.listen(host, port)
    except OSError as error:
        why, instead = f"{name} cannot listen on {host} port {port}: {error.strerror}", _OTHER
        if error.errno == errno.EADDRINUSE:
            from ports import cannot_listen  # only now: a measured process imports as little as it can

            why = cannot_listen(name, host, port)
            instead = _FREE if for_a_load else _OTHER
        raise UserError(f"{why}, or choose {instead}") from error


@contextlib.contextmanager
def _stopped_by_signals(server: Server) -> Iterator[None]:
    """The interpreter writes a byte to the server for each signal, so that none can be missed."""
    signal.set_wakeup_fd(server.stop_fd, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, process_per_mode.SIGNALS)
    try:
        yield
    finally:
        signal.set_wakeup_fd(-1)


def _announce(line: str) -> None:
    """Print in one write, since servers may share a pipe; go on when nobody reads it any more."""
    try:
        print(line + "\n", end="", flush=True)
    except BrokenPipeError:
        sys.stdout = None  # keeps the interpreter from flushing into it again at exit


if __name__ == "__main__":
    run_command(main)
