"""python -m servers [MODE...]: one process per mode; each prints "ready NAME PORT CONGESTION_CONTROL".

Its rule: one mode is served here, in this process; several are one child process each, which end when this one
does, however it ends.
"""

import argparse
import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from errors import EXIT_DONE, EXIT_FAILED, UsageError, UserError, run_command
from servers import files, mode
from servers.server import Limits, Server, listen, set_congestion_control
from units import format_size, parse_size

_FAIREST_CONGESTION_CONTROL = ("cubic", "reno")  # reno where an unprivileged user may not choose cubic


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    wanted = arguments.modes or list(mode.discover())
    if len(set(wanted)) < len(wanted):
        raise UsageError(f"a mode is served once: {' '.join(wanted)}")
    if arguments.port is not None and not 0 <= arguments.port <= 65535:
        raise UsageError(f"--port {arguments.port}: ports go from 0 to 65535")
    if arguments.port is not None and len(wanted) > 1:
        raise UsageError(f"--port goes with one mode, not with {len(wanted)}: {' '.join(wanted)}")
    options = {name: _given_options(arguments, mode.load(name)[0]) for name in wanted}
    for option in _all_options():
        given = getattr(arguments, option.name.replace("-", "_"))
        if given is not None and not any(option.name in chosen for chosen in options.values()):
            raise UsageError(f"--{option.name} does not apply to {' or '.join(wanted)}")
    files.resolve_root(arguments.root)
    if len(wanted) == 1:
        return serve_one(wanted[0], arguments, options[wanted[0]])
    return serve_several(wanted, arguments, options)


def _parser() -> argparse.ArgumentParser:
    modes = mode.discover()
    parser = argparse.ArgumentParser(
        prog="python -m servers",
        description="Serve the files below a directory, one process per data path.",
        epilog="modes: " + "; ".join(f"{facts.name} ({facts.port}): {facts.summary}" for facts in modes.values()),
    )
    parser.add_argument("modes", nargs="*", metavar="MODE", help="what to serve (default: all modes)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (default: the mode's own)")
    parser.add_argument("--root", type=Path, default=Path("data"), help="directory to serve (default: %(default)s)")
    parser.add_argument(
        "--connections", type=int, default=Limits().connections, help="limit, 503 beyond (default: %(default)s)"
    )
    parser.add_argument("--congestion", metavar="NAME", help="TCP congestion control (default: cubic, else reno)")
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    for option in _all_options():
        parser.add_argument(
            f"--{option.name}",
            metavar="SIZE",
            help=f"{option.summary}; default {format_size(option.default_bytes)} ({', '.join(_modes_with(option.name))})",
        )
    return parser


def _all_options() -> list[mode.Option]:
    by_name = {option.name: option for facts in mode.discover().values() for option in facts.options}
    return list(by_name.values())


def _modes_with(option_name: str) -> list[str]:
    modes = mode.discover().values()
    return [facts.name for facts in modes if option_name in (option.name for option in facts.options)]


def _given_options(arguments: argparse.Namespace, facts: mode.Mode) -> dict[str, int]:
    """The options that were given and that this mode has, in bytes."""
    given: dict[str, int] = {}
    for option in facts.options:
        text = getattr(arguments, option.name.replace("-", "_"))
        if text is not None:
            given[option.name] = parse_size(text)
            if given[option.name] < option.minimum_bytes:
                raise UsageError(f"--{option.name} {text}: it must be at least {option.minimum_bytes} bytes")
    return given


def serve_one(name: str, arguments: argparse.Namespace, options: dict[str, int]) -> int:
    """Serve a mode in this process until SIGTERM, SIGINT or the end of the lifeline."""
    facts, send_file = mode.load(name)
    port = facts.port if arguments.port is None else arguments.port
    root = files.resolve_root(arguments.root)
    limits = Limits(connections=_allowed_connections(arguments.connections))
    try:
        listener = listen(arguments.host, port)
    except OSError as error:
        raise UserError(
            f"{name} cannot listen on {arguments.host} port {port}: {error.strerror}; "
            f"stop what uses it, or choose another --host or --port"
        ) from error
    congestion = set_congestion_control(
        listener, (arguments.congestion,) if arguments.congestion else _FAIREST_CONGESTION_CONTROL
    )
    if arguments.congestion and congestion != arguments.congestion:
        raise UserError(
            f"congestion control {arguments.congestion!r} was refused, {congestion} is in force: choose one that "
            f"`sysctl net.ipv4.tcp_allowed_congestion_control` lists"
        )
    bound = partial(send_file, **{key.replace("-", "_"): value for key, value in options.items()})  # type: ignore[arg-type]
    server = Server(listener, root, bound, limits, arguments.lifeline)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    port = listener.getsockname()[1]
    print(
        f"{name}: serving {os.fsdecode(root)} on {arguments.host} port {port}, congestion control {congestion}"
        + "".join(f", {key} {format_size(value)}" for key, value in _options_in_force(facts, options).items()),
        file=sys.stderr,
        flush=True,
    )
    print(f"ready {name} {port} {congestion}", flush=True)
    server.serve()
    return EXIT_DONE


def _options_in_force(facts: mode.Mode, given: dict[str, int]) -> dict[str, int]:
    return {option.name: option.default_bytes for option in facts.options} | given


def _allowed_connections(wanted: int) -> int:
    """As many connections as descriptors allow: each needs its socket and its file. Raises UsageError below 1."""
    if wanted < 1:
        raise UsageError(f"--connections {wanted}: at least 1 connection must be allowed")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 2 * wanted + 64
    limit = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    allowed = min(wanted, (max(limit, soft) - 64) // 2)
    if allowed < wanted:
        print(f"at most {allowed} connections: the limit on open files is {limit}", file=sys.stderr, flush=True)
    return allowed


def serve_several(names: Sequence[str], arguments: argparse.Namespace, options: dict[str, dict[str, int]]) -> int:
    """One child per mode, until a signal comes or one of them ends; 1 if one of them failed."""
    lifeline, held = os.pipe()  # the children see its end of file when this process is gone, even by SIGKILL
    with _terminated_at_end() as children:
        for name in names:
            command = [sys.executable, "-m", "servers", name, "--host", arguments.host, "--root", str(arguments.root)]
            command += ["--connections", str(arguments.connections), "--lifeline", str(lifeline)]
            command += ["--congestion", arguments.congestion] if arguments.congestion else []
            for option, value in options[name].items():
                command += [f"--{option}", str(value)]
            children.append(subprocess.Popen(command, pass_fds=[lifeline]))
        os.close(lifeline)
        with contextlib.suppress(KeyboardInterrupt):
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    os.close(held)
    return EXIT_FAILED if any(child.returncode not in (0, -signal.SIGINT) for child in children) else EXIT_DONE


@contextlib.contextmanager
def _terminated_at_end() -> Iterator[list[subprocess.Popen[bytes]]]:
    children: list[subprocess.Popen[bytes]] = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield children
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


if __name__ == "__main__":
    run_command(main)
