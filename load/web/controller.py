"""Does what the live page asks for: one load or one campaign at a time.

Its rule: all state is here, so that two browsers see the same and a reload loses nothing. Whoever starts or stops
something holds the lock until `doing` shows it, so that nobody else sees a moment in between. The states and what leads
from one to the other:

    nothing -> preparing -> load -> nothing     start_load, a load begins (also from Locust's own form), stop_load
    nothing -> campaign -> nothing              start_campaign, its end or stop_campaign
"""

from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import gevent
from gevent.lock import RLock
from locust.runners import MasterRunner

from errors import UserError
from load.campaign.cpu_pinning import WORKERS_ELSEWHERE
from load.campaign.options import new_name, resolve
from load.context import LoadContext
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import AT_REST, LocustLoads, check_pace
from load.web.campaign_task import CampaignTask
from load.web.commands import CampaignCommand, LoadCommand, RecordCommand, ServerCommand, size_of
from load.web.flame_graphs import FlameGraphs
from load.web.poller import Poller
from load.web.report_jobs import ReportJobs
from load.web.run_list import Runs
from machine_lock import refuse_beside_campaign
from profiles.protocol import TargetStatus
from profiles.store.run_folder import RunFolder
from units import exact_size

MOST_PER_S = 100  # users that start; Locust warns above
SOON_S = 0.02

Json = dict[str, Any]


class Controller:
    """Carries out commands. Every method raises UserError for what is not possible now."""

    def __init__(self, context: LoadContext, idle_servers: IdleServers, locust_loads: LocustLoads) -> None:
        options = context.environment.parsed_options
        assert isinstance(options, Namespace)
        self._environment = context.environment
        self._options = options
        self._idle_servers = idle_servers
        self._loads = locust_loads
        self._runs_folder = Path(options.runs_folder)
        self._lock = RLock()
        self._preparing: str | None = None
        self._asked: dict[str, Json] = {}
        self._load_error = ""
        self.runs = Runs(self._runs_folder, Path(options.reports_folder))
        self.poller = Poller(context, idle_servers, locust_loads)
        self.reports = ReportJobs(self._runs_folder, Path(options.reports_folder), self.poller.forget_child_cpu)
        self.flames = FlameGraphs(context.agent, locust_loads, self.poller.forget_child_cpu)
        self.campaigns = CampaignTask(context, idle_servers, locust_loads, self.poller.add_round, self.reports.begin)
        locust_loads.on_end = self.reports.begin

    @property
    def doing(self) -> str:
        """nothing, preparing, load or campaign"""
        if self.campaigns.running:
            return "campaign"
        if self._preparing is not None:
            return "preparing"
        return "nothing" if self._is_at_rest and not self._loads.recording else "load"

    @property
    def _is_at_rest(self) -> bool:
        return self._environment.runner is None or self._environment.runner.state in AT_REST

    @property
    def _is_beginning(self) -> bool:
        """Or ending: it is recorded, and has no users."""
        return self._loads.recording and self._is_at_rest

    def start_load(self, command: LoadCommand) -> None:
        with self._lock:
            self._start_load(command)

    def _start_load(self, command: LoadCommand) -> None:
        self._refuse_unless_idle()
        refuse_beside_campaign("load")
        command.check()
        self._idle_servers.refuse_missing(command.modes)
        self._ready_workers()
        check_pace(command.pace, self._environment.runner)
        self._asked["load"] = asdict(command)
        self._load_error = ""
        self._preparing = "getting ready"
        gevent.spawn(self._load, command)

    def _load(self, command: LoadCommand) -> None:
        try:
            self._serve(command.size)
            chosen = [self._idle_servers.user_class(mode) for mode in command.modes]
            users = command.users * len(chosen)
            self._environment.user_classes = list(chosen)
            names = [user_class.__name__ for user_class in chosen]
            asked = {"sink": command.sink, "pace": command.pace, "num_users": users, "user_classes": names}
            vars(self._options).update(asked, spawn_rate=min(users, MOST_PER_S))
            assert self._environment.runner is not None
            self._environment.shape_class = None
            self._environment.runner.start(users, spawn_rate=min(users, MOST_PER_S))
            gevent.sleep(0)
            while self._is_beginning:
                gevent.sleep(SOON_S)
        except UserError as error:
            self._load_error = str(error)
        finally:
            self._preparing = None

    def stop_load(self) -> None:
        self._refuse_in_campaign("stop the campaign")
        with self._lock:
            while self._preparing is not None or self._is_beginning:  # Locust would not stop what has not begun
                gevent.sleep(SOON_S)
            if self._environment.runner is not None and self.doing == "load":
                self._environment.runner.stop()

    def stop_campaign(self) -> None:
        self.campaigns.stop()

    def start_campaign(self, command: CampaignCommand) -> None:
        with self._lock:
            self._start_campaign(command)

    def _start_campaign(self, command: CampaignCommand) -> None:
        self._refuse_unless_idle()
        size_bytes = size_of(command.size) or self._idle_servers.facts.file.size_bytes
        agent = {name: getattr(self._options, name) for name in ("agent", "agent_token_file", "agent_ca")}
        asked = command.options(workers=self._ready_workers(), **agent)
        settings = resolve(asked, size_bytes)
        self._idle_servers.refuse_missing(map(settings.mode_of, settings.modes))
        if settings.workers:
            settings = replace(settings, placement=WORKERS_ELSEWHERE)
        folder = RunFolder(self._runs_folder / (command.run or new_name()))
        self.campaigns.begin(settings, folder, lambda: self._prepare(command.size))
        self._asked["campaign"] = command.given

    def _ready_workers(self) -> int:
        """How many workers are ready; 0 where this is no master. Raises UserError when none is."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return 0
        if not runner.clients.ready:
            raise UserError("no worker is ready: start some with `locust -f locustfile.py --worker`")
        return len(runner.clients.ready)

    def start_server(self, command: ServerCommand) -> None:
        self._refuse_in_campaign("only the server under measurement may run; wait, or stop it")
        if command.mode not in self._idle_servers.modes:
            raise UserError(f"there is no mode {command.mode!r}: the modes are {', '.join(self._idle_servers.modes)}")
        with self._lock:
            self._refuse_in_campaign("wait, or stop it")
            self._idle_servers.start(command.mode)

    def record(self, command: RecordCommand) -> None:
        self._refuse_in_campaign("it records flame graphs itself after its rounds; wait, or stop it")
        self._idle_servers.refuse_missing([command.mode])
        self.flames.record(command)

    def make_report(self, run: str) -> None:
        self._refuse_in_campaign("a report would disturb it; wait, or stop it")
        if not self.runs.exists(run):
            raise UserError(f"there is no run {run!r}")
        self.reports.begin(run)

    def state(self) -> Json:
        runner = self._environment.runner
        current = self._loads.current
        return {
            "doing": self.doing,
            "preparing": self._preparing,
            "file_bytes": self._idle_servers.facts.file.size_bytes,
            "users": 0 if runner is None else runner.user_count,
            "asked": self._asked,
            "chosen": [mode for one in self._environment.user_classes if (mode := getattr(one, "target", None))],
            "load_error": self._load_error or self._loads.trouble or (current.trouble if current else None) or "",
            "run": current.folder.path.name if current else None,
            "servers": [self._server(status) for status in self.poller.statuses],
            "trouble": self.poller.trouble,
            "campaign": self.campaigns.newest,
            "flames": [flame.summary for flame in self.flames.newest_first],
            "reports": {"waiting": self.reports.waiting, "made": self.reports.made, "refused": self.reports.refused},
        }

    def _server(self, status: TargetStatus) -> Json:
        meter = self._idle_servers.meter(status.name)
        failed = ", ".join(f"{count:,} × {name}" for name, count in meter.failure_names.items())
        return {
            "name": status.name,
            "state": status.state,
            "port": status.port,
            "last_stderr_line": status.last_stderr_line,
            "failed": failed,
            "missing": self._idle_servers.missing.get(status.name, ""),
        }

    def _prepare(self, size: str) -> None:
        try:
            self._serve(size)
        finally:
            self._preparing = None

    def _serve(self, size: str) -> None:
        """Serve a file of this size from now on; empty: leave it as it is."""
        wanted = size_of(size)
        if wanted is None or wanted == self._idle_servers.facts.file.size_bytes:
            return
        self._preparing = f"making a test file of {exact_size(wanted)}"
        try:
            self._idle_servers.serve(wanted)
        finally:
            self.poller.forget_child_cpu()

    def _refuse_in_campaign(self, why: str) -> None:
        if self.campaigns.running:
            raise UserError(f"a campaign is running: {why}")

    def _refuse_unless_idle(self) -> None:
        busy = {"load": "a load is running: stop it first", "campaign": "a campaign is running: wait, or stop it first"}
        busy["preparing"] = f"{self._preparing}: wait"
        if (doing := self.doing) != "nothing":
            raise UserError(busy[doing])
