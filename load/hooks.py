"""What `locust -f locustfile.py` hangs on Locust's events: servers before the UI, their end after the last user.

Its rule: helper processes start in `init` (after the fork of --processes, before the UI answers) and end in `quit`,
when no user runs any more; a worker starts none.
"""

import os
import signal
import socket
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.exception import StopTest
from locust.runners import LocalRunner, WorkerRunner

from errors import EXIT_USAGE, UsageError, UserError
from load.agent_client import AgentClient
from load.agent_options import AgentOptions
from load.client import SINKS
from load.interrupt import deliver_to_main
from load.remote_host import host_at
from load.stage import start_watching
from load.users import DownloadUser
from load.web import ServersTab
from profiles.protocol import Start
from profiles.targets import PROJECT

AGENT_OPTIONS = (
    ("agent", "HOST:PORT", "Where servers run: an agent on another host"),
    ("agent-token-file", "FILE", "The token that it was started with"),
    ("agent-ca", "FILE", "Who signed its certificate (PEM), or system"),
)


def install(users: dict[str, type[DownloadUser]]) -> None:
    """Register everything. users: what the locustfile offers, by class name."""
    hooks = _Hooks(users)
    events.init_command_line_parser.add_listener(_add_arguments)
    events.init.add_listener(hooks.start_servers)
    events.test_start.add_listener(hooks.choose_sink)
    events.quit.add_listener(hooks.stop_servers)


def _add_arguments(parser: LocustArgumentParser, **_: Any) -> None:
    # Locust's own defaults are every interface, no choice of classes, and one user.
    parser.set_defaults(web_host="127.0.0.1", class_picker=True, num_users=4, spawn_rate=4)
    parser.add_argument(
        "--sink", choices=SINKS, default="discard", env_var="LOCUST_SINK", help="What users do with what they receive"
    )
    parser.add_argument(
        "--root",
        default=str(PROJECT / "data"),
        env_var="LOCUST_ROOT",
        include_in_web_ui=False,
        help="Where test-file.bin lies",
    )
    for name, metavar, summary in AGENT_OPTIONS:
        parser.add_argument(
            f"--{name}",
            metavar=metavar,
            env_var=f"LOCUST_{name.upper().replace('-', '_')}",
            include_in_web_ui=False,
            help=summary,
        )
    parser.add_argument(
        "--any-port",
        action="store_true",
        env_var="LOCUST_ANY_PORT",
        include_in_web_ui=False,
        help="Serve on free ports instead of the modes' own",
    )


def _check_free(host: str, port: int) -> None:
    """Locust would say it with a traceback. Raises UserError when the web UI's port is taken."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise UserError(
            f"the web UI cannot listen on {host or 'any address'} port {port}: {error.strerror}; stop what uses it, or "
            f"choose another with --web-port"
        ) from error


class _Hooks:
    def __init__(self, users: dict[str, type[DownloadUser]]) -> None:
        self._users = users
        self._host: AgentClient | None = None

    def start_servers(self, environment: Environment, **_: Any) -> None:
        if isinstance(environment.runner, WorkerRunner):
            return
        if isinstance(environment.runner, LocalRunner):
            deliver_to_main(signal.SIGINT)
        options = environment.parsed_options
        assert isinstance(options, Namespace)
        try:
            if environment.web_ui:
                _check_free(options.web_host, options.web_port)
            if options.any_port and not isinstance(environment.runner, LocalRunner):
                raise UsageError("--any-port is for one process: workers know the modes' own ports only")
            agent = AgentOptions.read(options.agent, options.agent_token_file, options.agent_ca)
            self._host = host_at(agent, Path(options.root))
            size_bytes = self._host.facts().file.size_bytes
            for user_class in self._users.values():
                self._start(user_class, size_bytes, options.any_port)
            start_watching(self._host, os.getpid())
        except UserError as error:
            self.stop_servers()
            print(f"error: {error}", file=sys.stderr)
            sys.exit(error.exit_code)
        if environment.web_ui:
            ServersTab(self._host, self._users).attach(environment.web_ui)

    def _start(self, user_class: type[DownloadUser], size_bytes: int, any_port: bool) -> None:
        """Start the server of these users. A guest that does not start is said, and keeps nobody from the others."""
        assert self._host is not None
        user_class.expected_bytes = user_class.own_bytes or size_bytes
        try:
            status = self._host.start(Start(user_class.target, any_port=any_port))
        except UserError as error:
            if not user_class.guest:
                raise
            print(f"warning: {user_class.target} is not served: {error}", file=sys.stderr)
            return
        user_class.address = (status.host, status.port)

    def choose_sink(self, environment: Environment, **_: Any) -> None:
        """The UI does not check choices, so they are checked here."""
        options = environment.parsed_options
        sink = getattr(options, "sink", None)
        if sink not in SINKS:
            print(f"error: {sink!r} is not a sink: choose one of {', '.join(SINKS)}", file=sys.stderr)
            environment.process_exit_code = EXIT_USAGE
            raise StopTest
        environment.process_exit_code = None
        for user_class in self._users.values():
            user_class.sink = sink
            user_class.meter.reset()

    def stop_servers(self, **_: Any) -> None:
        if self._host is not None:
            self._host.close()
