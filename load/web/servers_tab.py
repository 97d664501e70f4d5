"""The tab "Servers" in Locust's web UI: what each server pays, while it happens, and the way to the live page.

Its rule: a number in the table is a mean over the last few ticks of the live page's history; what is not known yet is a
dash. Locust's front end shows a custom tab as a table and fetches it every two seconds while users run.
"""

import json
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
FORMATS = {
    "user": "{:.2f}",
    "system": "{:.2f}",
    "voluntary": "{:,.0f}",
    "involuntary": "{:,.0f}",
    "threads": "{:.0f}",
    "cost": "{:.3f}",
}

# Locust's front end has no place for a link, so one is put beside it.
LINK = (
    '<a href="{href}" style="position:fixed;left:20px;bottom:20px;z-index:2000;padding:10px 18px;border-radius:99px;'
    "background:#0060a0;color:#ffffff;font:600 15px system-ui,sans-serif;text-decoration:none;"
    'box-shadow:0 2px 8px #0006">Live charts and campaigns →</a>'
)

Row = dict[str, str]


def attach_tab(web_ui: WebUI, watch: Poller, base: str, page: str) -> None:
    """Put the tab into the UI, its rows into what the UI fetches, and beside it the link. base: of Locust's UI; page:
    where ours is."""
    link = LINK.format(href=page).encode()
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
            response.set_data(json.dumps(stats | {"extended_stats": [*others, {"key": KEY, "data": rows(watch)}]}))
        if flask.request.path == f"{base}/" and response.mimetype == "text/html" and not response.is_streamed:
            response.set_data(response.get_data().replace(b"</body>", link + b"</body>"))
        return response


def rows(watch: Poller) -> list[Row]:
    """A row per server, and the load generator's."""
    if watch.trouble is not None:
        return [_row("agent", state="dead", said=watch.trouble)]
    servers = [_server_row(status, watch) for status in watch.statuses]
    return [*servers, _row("load generator", state="running", **_numbers(LOAD, watch))]


def _server_row(status: TargetStatus, watch: Poller) -> Row:
    if status.state != "running":
        return _row(status.name, state=status.state, said=status.last_stderr_line)
    return _row(status.name, state=status.state, port=str(status.port), **_numbers(status.name, watch))


def _numbers(process: str, watch: Poller) -> Row:
    """What a process spends per second, over the last few points."""
    points = [point for point in watch.recent if process in point.processes]
    if not points:
        return {}
    found = dict(zip(NUMBERS, mean(points).processes[process], strict=True))
    said = {key: form.format(value) for key, form in FORMATS.items() if (value := found[key]) is not None}
    if (memory := found["memory"]) is not None:
        said["memory"] = format_size(memory)
    if (received := found["received"]) is not None:
        said["received"] = f"{received / MIB:,.0f}"
    return said


def _row(name: str, **cells: str) -> Row:
    return {key: cells.get(key) or UNKNOWN for key in COLUMNS} | {"name": name}
