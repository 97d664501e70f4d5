"""The tab "Servers" in Locust's web UI: what each server costs while it happens.

Its rule: a number is a mean over the last few points of the live page's history; a dash is unknown. Locust's front end
shows a custom tab as a table and fetches it every two seconds while users run.
"""

import json
from collections.abc import Mapping
from typing import Any

import flask
from locust.web import WebUI

from load.web.point_history import mean
from load.web.poller import Poller
from load.web.rates import COLUMNS as NUMBERS
from profiles.protocol import LOAD, TargetStatus
from units import MIB, format_size

KEY = "servers"
UNKNOWN = "–"

# By key: the title, and the format of a number.
COLUMNS: dict[str, tuple[str, str]] = {
    "name": ("Server", ""),
    "state": ("State", ""),
    "port": ("Port", ""),
    "user": ("CPU user (cores)", "{:.2f}"),
    "system": ("CPU system (cores)", "{:.2f}"),
    "voluntary": ("Switches/s voluntary", "{:,.0f}"),
    "involuntary": ("Switches/s involuntary", "{:,.0f}"),
    "memory": ("Memory", ""),
    "threads": ("Threads", "{:.0f}"),
    "received": ("Received (MiB/s)", ""),
    "cost": ("CPU s/GiB", "{:.3f}"),
    "message": ("Why", ""),
}

Row = dict[str, str]


def attach_tab(web_ui: WebUI, poller: Poller, missing: Mapping[str, str]) -> None:
    """Add the tab and its rows."""
    structure = [{"key": key, "title": title} for key, (title, _) in COLUMNS.items()]
    web_ui.template_args["extended_tabs"] = [{"title": "Servers", "key": KEY}]
    web_ui.template_args["extended_tables"] = [{"key": KEY, "structure": structure}]

    assert web_ui.app is not None

    @web_ui.app.after_request
    def add_rows(response: flask.Response) -> flask.Response:
        if flask.request.path.endswith("/stats/requests") and response.status_code == 200 and response.is_json:
            stats: dict[str, Any] = json.loads(response.get_data())
            # Locust answers with the same response object for two seconds, so ours may be in it already.
            others = [table for table in stats.get("extended_stats", []) if table["key"] != KEY]
            response.set_data(
                json.dumps(stats | {"extended_stats": [*others, {"key": KEY, "data": rows(poller, missing)}]})
            )
        return response


def rows(poller: Poller, missing: Mapping[str, str]) -> list[Row]:
    if poller.trouble is not None:
        return [_row("agent", state="dead", message=poller.trouble)]
    servers = [_server(status, poller, missing.get(status.name)) for status in poller.statuses]
    return [*servers, _row("load generator", state="running", **_numbers(LOAD, poller))]


def _server(status: TargetStatus, poller: Poller, missing: str | None) -> Row:
    if missing is not None:
        return _row(status.name, state="missing", message=missing)
    if status.state != "running":
        return _row(status.name, state=status.state, message=status.last_stderr_line)
    return _row(status.name, state="running", port=str(status.port), **_numbers(status.name, poller))


def _numbers(process: str, poller: Poller) -> Row:
    points = [point for point in poller.recent if process in point.processes]
    if not points:
        return {}
    found = dict(zip(NUMBERS, mean(points).processes[process], strict=True))
    cells = {
        key: form.format(value) for key, (_, form) in COLUMNS.items() if form and (value := found[key]) is not None
    }
    if (memory := found["memory"]) is not None:
        cells["memory"] = format_size(memory)
    if (received := found["received"]) is not None:
        cells["received"] = f"{received / MIB:,.0f}"
    return cells


def _row(name: str, **cells: str) -> Row:
    return {key: cells.get(key) or UNKNOWN for key in COLUMNS} | {"name": name}
