"""What `locust -f locustfile.py` adds to Locust's events: servers start before the UI and end after the last user.

Its rule: helper processes start in `init` (after the fork of --processes, before the UI answers) and end in `quit`,
when no user runs any more. A worker starts none.
"""

import contextlib
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from locust import events
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

import knobs
from errors import UsageError, UserError
from load.agent.options import AgentOptions
from load.agent.remote import connect
from load.context import LoadContext
from load.interactive.chosen_classes import (
    check_host,
    check_settings,
    choose_classes,
    in_order,
    leave_out_missing,
    take_tags,
)
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads, check_load
from load.locust_arguments import add_arguments, check_free, refuse_what_locust_would_skip
from load.process import raise_in_main_greenlet
from load.served_files import ServedFile, ServedLink, served_link
from load.users.locust_users import DownloadUser
from load.web.controller import Controller
from load.web.locusts_pages import add_costs
from load.web.routes import attach
from load.workers.live_counts import receive_counts, send_counts
from load.workers.worker import WorkerRole
from machine_lock import refuse_beside_campaign
from ports import wait_until_free
from profiles.protocol import LOAD
from profiles.targets.catalog import own_ports
from profiles.targets.mode_server import HOST


def install(user_classes: dict[str, type[DownloadUser]]) -> None:
    hooks = _Hooks(user_classes)
    events.init_command_line_parser.add_listener(add_arguments)
    events.init.add_listener(hooks.start_servers)
    events.test_start.add_listener(hooks.loads.on_start)
    events.test_stopping.add_listener(hooks.loads.on_stopping)
    events.test_stop.add_listener(hooks.loads.on_stop)
    events.quitting.add_listener(_ignore_signals)
    events.quit.add_listener(hooks.quit)


def _ignore_signals(**_: Any) -> None:
    """It ends now: another signal must not cut that short."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _Hooks:
    def __init__(self, user_classes: dict[str, type[DownloadUser]]) -> None:
        self._user_classes = user_classes
        self._context: LoadContext | None = None
        self._controller: Controller | None = None
        self._served = contextlib.ExitStack()
        self.loads = LocustLoads(user_classes)

    def start_servers(self, environment: Environment, **_: Any) -> None:
        if isinstance(environment.runner, WorkerRunner):
            self._run_as_worker(environment, environment.runner)
            return
        if isinstance(environment.runner, LocalRunner):
            raise_in_main_greenlet(signal.SIGINT)
        options = environment.parsed_options
        assert isinstance(options, Namespace)
        try:
            idle_servers = self._start(environment, options)
            self.loads.record(idle_servers, Path(options.runs_folder))
            if environment.web_ui:
                assert self._context is not None
                self._controller = attach(self._context, idle_servers, self.loads)
        except UserError as error:
            self.stop_servers()
            if isinstance(environment.runner, MasterRunner):
                environment.runner.quit()  # else workers wait a minute for a message
            print(f"error: {error}", file=sys.stderr)
            sys.exit(error.exit_code)

    def _run_as_worker(self, environment: Environment, runner: WorkerRunner) -> None:
        """Run users for a master: in loads by hand, whose servers are on the agent's machine, and in campaigns, whose
        master sends everything."""

        def in_campaign(value: bool) -> None:
            self.loads.in_campaign = value

        def find_servers(**_: Any) -> None:
            options = environment.parsed_options  # the master sent its own
            if options is not None:
                take_tags(environment, options)
            if options is not None and options.agent and not self.loads.in_campaign:
                for user_class in self._user_classes.values():
                    user_class.address = (options.servers_host, user_class.address[1])

        if environment.parsed_options is not None:
            take_tags(environment, environment.parsed_options)
        send_counts(runner, self._user_classes)
        WorkerRole(runner, self._user_classes, on_prepare=lambda: in_campaign(True))
        environment.events.test_start.add_listener(find_servers)
        environment.events.test_stop.add_listener(lambda **_: in_campaign(False))

    def _start(self, environment: Environment, options: Namespace) -> IdleServers:
        """Start the agent and its servers. Raises UserError; a web UI shows a server that does not start."""
        if environment.web_ui:
            check_free(options.web_host, options.web_port)
            taken = [one.target for one in self._user_classes.values() if one.address[1] == options.web_port]
            if taken and options.ports == "fixed":
                raise UsageError(f"--web-port {options.web_port} is the port of {taken[0]}: choose another")
        knobs.check("ui", vars(options))
        refuse_what_locust_would_skip(options)
        if options.ports == "free" and not isinstance(environment.runner, LocalRunner):
            raise UsageError("PORTS=free (--any-port) needs a single process: workers know only the modes' own ports")
        environment.user_classes = in_order(environment.user_classes, self._user_classes)
        check_settings([each for given in options.config_users or () for each in given], self._user_classes)
        asked = choose_classes(environment, options)
        check_host(options.host, environment.user_classes, self._user_classes.values())
        starts_at_once = options.headless or options.autostart
        users = options.num_users if starts_at_once else 0  # else the form asks again
        if starts_at_once:
            refuse_beside_campaign("load")
        shape = type(environment.shape_class).__name__ if starts_at_once and environment.shape_class else None
        check_load(environment, options.sink, options.pace, users, environment.user_classes, shape)
        agent = AgentOptions.read(options.agent, options.agent_token_file, options.agent_ca)
        link, root = (None, Path()) if agent else self._serve(ServedFile.asked_for(options))
        client = connect(agent, root)
        options.servers_host = client.servers_host  # Locust sends it to workers, with the other options
        self._context = LoadContext(environment, self._user_classes, client)
        idle_servers = IdleServers(client, self._user_classes, options.ports == "free", link)
        if agent is None and options.ports == "fixed":
            wait_until_free(own_ports(idle_servers.modes), HOST)
        if environment.web_ui:
            idle_servers.start_all()
        else:
            chosen = [one for one in self._user_classes.values() if one in environment.user_classes]
            _start_each(idle_servers, chosen)
        leave_out_missing(environment, idle_servers.missing, asked)
        client.watch(LOAD, os.getpid())
        receive_counts(environment, self._user_classes)
        return idle_servers

    def _serve(self, file: ServedFile) -> tuple[ServedLink | None, Path]:
        """What can serve another size later on, and the root. Raises UserError where the file cannot be made."""
        if file.size_bytes is None:
            return None, file.root
        link = self._served.enter_context(served_link(file.root))
        link.serve(file.size_bytes)
        return link, link.path

    def quit(self, **_: Any) -> None:
        """What the servers paid comes last, after Locust's own summary; its report is written by now, too."""
        options = self._context.environment.parsed_options if self._context else None
        costs = self.loads.costs
        try:
            if options is not None and costs is not None:
                if not options.json and not options.json_file:  # then Locust has printed a summary
                    costs.print()
                if options.html_file:
                    add_costs(Path(options.html_file), costs)
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
        finally:
            self.stop_servers()

    def stop_servers(self) -> None:
        if self._controller is not None:
            self._controller.campaigns.close()
        if self._context is not None:
            self._context.agent.close()
        self._served.close()


def _start_each(idle_servers: IdleServers, chosen: Sequence[type[DownloadUser]]) -> None:
    """Raises UserError for a mode of ours; an external server that does not start is only a warning."""
    for user_class in chosen:
        try:
            idle_servers.start(user_class.target)
        except UserError as error:
            if not user_class.external:
                raise
            print(f"warning: {user_class.target} does not run: {error}", file=sys.stderr)
