"""The agent: runs beside the servers; starts and stops targets, samples them, records flame graphs.

    python -m profiles.agent --root FOLDER    prints "ready agent PORT", answers what profiles/protocol.py lists
    python -m profiles.agent --size 1GiB --listen ADDRESS:PORT --token-file FILE      the same for loads elsewhere

Its rule: nothing outlives the load that it was done for. An agent that a load started ends with its servers when its
standard input ends: the load holds the other end of that pipe. One that listens ends the servers with their lease.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import knobs
from errors import EXIT_DONE, CommandParser, UsageError, UserError, run_command
from interpreter import hear_ctrl_c
from profiles.agent.access import Access, Address, own_address, parse_address, read_token, server_context, warnings
from profiles.agent.http_server import POLL_S, AgentServer
from profiles.agent.lease import Leases
from profiles.agent.service import Agent, routes, routes_with_lease
from profiles.protocol import TOKEN_VARIABLE
from profiles.targets.catalog import use, use_lines
from servers import payload

END_TIMEOUT_S = 10.0


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    access = _access(arguments)
    agent = Agent(payload.served_folder(arguments.root, arguments.size).absolute())
    leases = Leases(agent.end_all)
    try:
        handlers = routes_with_lease(agent, leases, access.serve_on) if arguments.listen else routes(agent)
        server = AgentServer(access, handlers, leases.expire)
    except UserError:
        agent.close()
        raise

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()  # shutdown() waits for serve_forever()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    hear_ctrl_c()
    lifeline = arguments.lifeline if arguments.listen else sys.stdin.fileno()
    if lifeline is not None:
        threading.Thread(target=_wait_for_end, args=(lifeline, stop), daemon=True).start()
    for warning in warnings(access) if arguments.lifeline is None else ():  # whoever holds it made the network, too
        print(f"warning: {warning}", file=sys.stderr)
    print(f"ready agent {server.port}", flush=True)
    try:
        server.serve_forever(poll_interval=POLL_S)
    finally:
        server.end(END_TIMEOUT_S)
        agent.close()
    return EXIT_DONE


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser(prog="python -m profiles.agent", description=str(__doc__).partition("\n")[0])
    parser.add_argument("--root", type=Path, help="has a folder for each size (data); alone: served as it is")
    knobs.add_arguments(parser, "agent")
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.targets:
        use(str(arguments.targets))
    use_lines(arguments.command or (), ())
    return arguments


def _access(arguments: argparse.Namespace) -> Access:
    """Raises UserError for what would be unsafe, UsageError for options that do not belong together."""
    if arguments.listen is None:
        if arguments.token_file or arguments.tls_cert or arguments.tls_key or arguments.serve_on:
            raise UsageError("TOKEN_FILE, TLS_CERT, TLS_KEY and SERVE_ON need LISTEN=HOST:PORT")
        token = os.environ.pop(TOKEN_VARIABLE, "")  # popped: the servers must not inherit it
        if not token:
            raise UserError(
                f"the agent needs a token in the variable {TOKEN_VARIABLE}; `make load` and `make ui` give it one"
            )
        return Access(Address("127.0.0.1", 0), token)
    if arguments.token_file is None:
        raise UsageError("LISTEN needs TOKEN_FILE=FILE: whoever knows its content may start servers here")
    if arguments.tls_key and not arguments.tls_cert:
        raise UsageError("TLS_KEY needs TLS_CERT")
    token = read_token(arguments.token_file)
    tls = server_context(arguments.tls_cert, arguments.tls_key) if arguments.tls_cert else None
    serve_on = own_address(arguments.serve_on) if arguments.serve_on else ""
    return Access(parse_address(arguments.listen), token, tls, serve_on)


def _wait_for_end(fd: int, then: Callable[[], None]) -> None:
    while os.read(fd, 4096):
        pass
    then()


if __name__ == "__main__":
    run_command(main)
