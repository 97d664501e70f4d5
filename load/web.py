"""The tab "Servers" in Locust's web UI: what each server pays, while it happens.

Its rule: a number in the table is a rate over the last few refreshes, from the agent's samples and the users' meters;
what is not known yet is a dash. Locust's front end shows a custom tab as a table and fetches it every two seconds
while users run.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

import flask
import gevent
from locust.web import WebUI

from errors import UserError
from load.agent_client import AgentClient
from load.cell import LOAD
from load.users import DownloadUser
from profiles.protocol import TargetStatus, TimedSample
from units import GIB, MIB, format_size

KEY = "servers"
REFRESH_S = 1.0
KEPT_REFRESHES = 3
UNKNOWN = "–"

COLUMNS: dict[str, str] = {
    "name": "Server",
    "state": "State",
    "port": "Port",
    "user": "CPU user (cores)",
    "system": "CPU system (cores)",
    "voluntary": "Switches/s voluntary",
    "involuntary": "Switches/s involuntary",
    "memory": "Memory",
    "threads": "Threads",
    "received": "Received (MiB/s)",
    "cost": "CPU s/GiB",
    "said": "Last words",
}


@dataclass(frozen=True, slots=True)
class _Seen:
    """A process as one refresh saw it: its newest sample, and the bytes received from it, each with its moment."""

    sample: TimedSample
    moment_s: float
    received_bytes: int


class ServersTab:
    """Keeps the table fresh in a greenlet of its own, so that a request for it costs nothing."""

    def __init__(self, host: AgentClient, users: dict[str, type[DownloadUser]]) -> None:
        self._host = host
        self._meters = {user_class.target: user_class.meter for user_class in users.values()}
        self._seen: dict[str, list[_Seen]] = {}
        self._after = 0
        self.rows: list[dict[str, str]] = []

    def attach(self, web_ui: WebUI) -> None:
        """Put the tab into the UI, and its rows into what the UI fetches."""
        structure = [{"key": key, "title": title} for key, title in COLUMNS.items()]
        web_ui.template_args["extended_tabs"] = [{"title": "Servers", "key": KEY}]
        web_ui.template_args["extended_tables"] = [{"key": KEY, "structure": structure}]

        assert web_ui.app is not None

        @web_ui.app.after_request
        def add_rows(response: flask.Response) -> flask.Response:
            if flask.request.path.endswith("/stats/requests") and response.status_code == 200 and response.is_json:
                stats: dict[str, Any] = json.loads(response.get_data())
                # Locust answers with the same response object for two seconds, so ours may be in it already.
                others = [table for table in stats.get("extended_stats", []) if table["key"] != KEY]
                response.set_data(json.dumps(stats | {"extended_stats": [*others, {"key": KEY, "data": self.rows}]}))
            return response

        gevent.spawn(self._keep_fresh)

    def _keep_fresh(self) -> None:
        while True:
            try:
                self.refresh()
            except UserError as error:
                self.rows = [_row("agent", state="dead", said=str(error))]
            gevent.sleep(REFRESH_S)

    def refresh(self) -> None:
        """Ask the agent once and rebuild the rows. Raises UserError when it does not answer."""
        fresh = self._host.samples(self._after)
        self._after = fresh.last
        for sample in {sample.process: sample for sample in fresh.samples}.values():
            meter = self._meters.get(sample.process)
            seen = _Seen(sample, time.monotonic(), meter.received_bytes if meter else 0)
            before = [item for item in self._seen.get(sample.process, []) if item.sample.pid == sample.pid]
            self._seen[sample.process] = [*before, seen][-KEPT_REFRESHES:]
        rows = [self._server_row(status) for status in self._host.statuses()]
        self.rows = [*rows, _row("load generator", state="running", **self._rates(LOAD))]

    def _server_row(self, status: TargetStatus) -> dict[str, str]:
        if status.state != "running":
            return _row(status.name, state=status.state, said=status.last_words)
        rates = self._rates(status.name)
        return _row(status.name, state=status.state, port=str(status.port), **rates)

    def _rates(self, process: str) -> dict[str, str]:
        """What a process spends per second, between its oldest and its newest sample that are kept."""
        seen = self._seen.get(process, [])
        if len(seen) < 2:
            return {}
        first, last = seen[0], seen[-1]
        seconds = last.sample.monotonic_s - first.sample.monotonic_s

        def rate(name: str) -> float:
            return ((last.sample.values[name] or 0.0) - (first.sample.values[name] or 0.0)) / seconds

        rates = {
            "user": f"{rate('user_s'):.2f}",
            "system": f"{rate('system_s'):.2f}",
            "voluntary": f"{rate('voluntary_switches'):,.0f}",
            "involuntary": f"{rate('involuntary_switches'):,.0f}",
            "memory": format_size(last.sample.values["rss_bytes"] or 0.0),
            "threads": f"{last.sample.values['threads'] or 0:.0f}",
        }
        if process in self._meters:
            received_gib_per_s = (last.received_bytes - first.received_bytes) / GIB / (last.moment_s - first.moment_s)
            rates["received"] = f"{received_gib_per_s * GIB / MIB:,.0f}"
            if received_gib_per_s > 0:
                rates["cost"] = f"{rate('cpu_s') / received_gib_per_s:.3f}"
        return rates


def _row(name: str, **cells: str) -> dict[str, str]:
    return {key: cells.get(key) or UNKNOWN for key in COLUMNS} | {"name": name}
