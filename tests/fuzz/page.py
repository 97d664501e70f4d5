"""What must hold of whatever a browser may send to the live page's routes, and to its login: an answer below 500.

Its rule: the routes, the guards and the commands are the product's own; what a command would start is not started.
"""

import functools
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import flask
import flask_login
from werkzeug.test import run_wsgi_app

from errors import UserError
from load.campaign.options import resolve
from load.web import login, routes
from load.web.commands import CampaignCommand, LoadCommand, RecordCommand, ServerCommand
from load.web.point_history import PointHistory
from load.web.run_list import Runs
from profiles.open_metrics import text_of

READ = (
    "/",
    "/assets/bench.js",
    "/assets/./build/package.json",
    "/poll?fine=1&coarse=2&epoch=a",
    "/runs",
    "/metrics",
    "/flames/1.svg",
)
REPORTS = ("/reports/a/", "/reports/../x", "/reports/a/%00", "/assets/%00")
WORDS = (
    *("GET ", "POST ", "HEAD ", "\r\n\r\n", "\r\n", "Origin: http://[\r\n", "Origin: http://127.0.0.1:8089\r\n", "../"),
    *(
        "Host: 127.0.0.1:8089\r\n",
        "X-Bench: 1\r\n",
        "Sec-Fetch-Site: same-origin\r\n",
        "Content-Type: ",
        "%00",
        "%2e%2e",
    ),
    *(
        "application/x-www-form-urlencoded\r\n",
        "multipart/form-data; boundary=a\r\n",
        "Cookie: session=",
        "Range: bytes=",
    ),
    *('{"modes":["sendfile"]}', '"users":', '"pace":"', '"size":"', "9" * 30, "1e999", "\x1b", "\ud7ff", '{"given":{'),
)


class _Controller:
    """Reads commands as the page's own does, and starts nothing."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="bench-fuzz-"))
        self.campaigns, self.doing = SimpleNamespace(running=False), "nothing"
        self.poller = SimpleNamespace(history=PointHistory(0.0), open_metrics=lambda: text_of(()))
        self.flames = SimpleNamespace(find=lambda _number: None)
        self.runs = Runs(folder, folder)

    def start_load(self, command: LoadCommand) -> None:
        command.check()

    def start_campaign(self, command: CampaignCommand) -> None:
        agent = {"agent": None, "agent_token_file": None, "agent_ca": None}
        resolve(command.options(ports="free", workers=0, **agent), 1 << 20)

    def start_server(self, command: ServerCommand) -> None:
        raise UserError(f"there is no mode {command.mode!r}")

    def record(self, command: RecordCommand) -> None:
        command.check()

    def make_report(self, run: str) -> None:
        if not self.runs.exists(run):
            raise UserError(f"there is no run {run!r}")

    def stop_load(self) -> None:
        pass

    def stop_campaign(self) -> None:
        pass

    def state(self) -> Any:
        return {}


@functools.cache
def _app() -> flask.Flask:
    app = flask.Flask("fuzz")
    app.testing = True  # so that an error that nobody caught arrives here
    os.environ[login.PASSWORD_VARIABLE] = "a password"
    web_ui: Any = SimpleNamespace(
        app=app, web_login=True, login_manager=flask_login.LoginManager(app), auth_required_if_enabled=lambda view: view
    )
    login.require_login(web_ui, "", routes.LOGIN_PATH)
    routes.add_routes(web_ui, cast(Any, _Controller()), "", "127.0.0.1")
    return app


def seeds() -> Iterator[bytes]:
    host = b"Host: 127.0.0.1:8089\r\nX-Bench: 1\r\n"
    for path in (*READ, *REPORTS):
        yield b"GET /bench%b\r\n%b\r\n" % (path.encode(), host)
    load = {"modes": ["sendfile"], "users": 2, "pace": "200MiB/s", "size": "1MiB", "sink": "copy"}
    campaign = {
        "given": {"modes": ["sendfile", "read-send"], "rounds": 3, "window": 0.3, "pace": "auto", "size": "1MiB"}
    }
    record = {"mode": "sendfile", "seconds": 5}
    commands = {"load/start": load, "campaign/start": campaign, "record": record, "server/start": {"mode": "sendfile"}}
    for path in (
        "load/start",
        "load/stop",
        "campaign/start",
        "campaign/stop",
        "server/start",
        "record",
        "runs/a/report",
    ):
        yield b"POST /bench/%b\r\n%b\r\n%b" % (path.encode(), host, json.dumps(commands.get(path, {})).encode())
    form = b"Content-Type: application/x-www-form-urlencoded\r\n"
    yield b"POST /bench-login\r\n%b%b\r\nusername=bench&password=a%%20password" % (host, form)
    yield b'POST /bench/campaign/start\r\n%b\r\n{"given":{"modes":5}}' % host
    yield b"GET /bench/poll\r\nHost: 127.0.0.1:8089\r\nOrigin: http://[\r\n\r\n"


def broken(data: bytes) -> str | None:
    """None when the rule holds; else what broke it. Raises what would be a traceback and a 500."""
    answer, status, _ = run_wsgi_app(_app(), _environ(data), buffered=True)
    body = b"".join(answer)
    if status >= "500":
        return f"answered with {status}: {body[:300]!r}"
    return None


def _environ(data: bytes) -> dict[str, Any]:
    """What gevent's WSGI server makes of a request; which ones it refuses itself is not asked."""
    head, _, body = data.partition(b"\r\n\r\n")
    line, *fields = re.split("\r\n|\r|\n", head.decode("latin-1"))  # as http.client does
    method, target = [*line.split(), "", ""][:2]
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method if re.fullmatch("[A-Z]+", method) else "GET", "SCRIPT_NAME": "", "QUERY_STRING": query,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"), "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "8089",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False, "wsgi.input_terminated": True,
    }  # fmt: skip
    for name, colon, value in (field.partition(":") for field in fields):
        key = name.strip().upper().replace("-", "_")
        if colon and key != "CONTENT_LENGTH":
            environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.strip()
    return environ
