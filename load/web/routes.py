"""The live page's routes, all below /bench, and behind Locust's login where that is enabled.

Its rule: a GET changes nothing. A POST is one command (load/web/commands.py). The answer is the new state, or an error
in one line, which the page shows beside the button: `_guarded` makes it of whatever a browser may send. Nothing longer
than MAX_COMMAND_BYTES is read, here or by Locust's own routes, whatever length it declares or does not.
"""

import functools
import http.client
import posixpath
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import flask
import msgspec
from gevent import pywsgi
from locust.web import WebUI
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from errors import UserError
from load.context import LoadContext
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.web import locusts_pages, same_origin
from load.web.commands import CampaignCommand, LoadCommand, RecordCommand, ServerCommand, decode
from load.web.controller import Controller
from load.web.login import require_login
from load.web.page import page
from load.web.servers_tab import attach_tab
from profiles import open_metrics
from profiles.targets.catalog import PROJECT

PATH, LOGIN_PATH = "/bench", "/bench-login"
ASSETS = Path(__file__).parent / "assets"
PALETTE = PROJECT / "reports" / "templates" / "palette.css"  # the report's colours are the page's
MAX_COMMAND_BYTES = 64 << 10
REPORT_POLICY = f"{same_origin.SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
REPORT_POLICY += "img-src data:; frame-src 'self' data: about:; base-uri 'none'; form-action 'none'"

C = TypeVar("C")


def attach(context: LoadContext, idle_servers: IdleServers, locust_loads: LocustLoads) -> Controller:
    """Add the live page, the tab and the login to Locust's web UI, before it answers, and start polling.

    Raises UsageError.
    """
    web_ui, options = context.environment.web_ui, context.environment.parsed_options
    assert web_ui is not None and web_ui.app is not None and options is not None
    base = (getattr(options, "web_base_path", None) or "").rstrip("/")
    prefix = base + PATH
    require_login(web_ui, base, base + LOGIN_PATH)
    controller = Controller(context, idle_servers, locust_loads)
    add_routes(web_ui, controller, base, getattr(options, "published_on", None) or web_ui.host)
    attach_tab(web_ui, controller.poller, idle_servers.missing)
    locusts_pages.attach(web_ui, locust_loads, base, f"{prefix}/")
    controller.poller.start()
    pywsgi.WSGIServer.handler_class = _Handler  # Locust leaves no choice
    print(f"the live page is {_address(web_ui, options)}{prefix}/ (Ctrl-C ends everything)", file=sys.stderr)
    return controller


def add_routes(web_ui: WebUI, controller: Controller, base: str, public_host: str) -> None:
    """base: of Locust's UI. public_host: where browsers reach us."""
    app, prefix, buttons = web_ui.app, base + PATH, (f"{base}/swarm", f"{base}/stop")
    assert app is not None
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = MAX_COMMAND_BYTES
    blueprint = flask.Blueprint("bench", __name__, url_prefix=prefix)
    routes = _Routes(controller, prefix)
    for method, views in (("GET", routes.reading()), ("POST", routes.changing())):
        for path, view in views.items():
            endpoint = path.replace(".", "_")
            protected = web_ui.auth_required_if_enabled(_guarded(view))
            blueprint.add_url_rule(path, endpoint, protected, methods=[method])

    @app.before_request
    def refuse_other_origins() -> flask.Response | None:
        reason = same_origin.refusal(flask.request, public_host, prefix)
        return None if reason is None else _answer({"error": reason}, 403)

    @app.before_request
    def protect_campaigns() -> flask.Response | None:
        """Locust's own buttons would stop the users of a cell, or start others."""
        if controller.doing == "preparing" and flask.request.path in buttons:
            return _answer({"success": False, "message": "a load is about to begin: wait"})
        if controller.campaigns.running and flask.request.path in buttons:
            return _answer({"success": False, "message": "a campaign is running: wait, or stop it on the live page"})
        return None

    app.register_blueprint(blueprint)


def _guarded(view: Callable[..., flask.Response]) -> Callable[..., flask.Response]:
    """Turns every refusal into an answer. Locust's login would make a success of it, with a traceback in the log."""

    @functools.wraps(view)
    def answer(**names: Any) -> flask.Response:
        try:
            return view(**names)
        except RequestEntityTooLarge:
            return _answer({"error": f"this is too long: a command has {MAX_COMMAND_BYTES} bytes at most"}, 400)
        except HTTPException as error:
            return _answer({"error": error.description}, error.code or 400)
        except UnicodeDecodeError:  # of a query, by werkzeug
            return _answer({"error": "this was not understood: it is not UTF-8"}, 400)
        except UserError as error:
            return _answer({"error": str(error)}, 400)

    return answer


def _address(web_ui: WebUI, options: Namespace) -> str:
    """Where a browser on this machine reaches it, without a path."""
    host = web_ui.host if web_ui.host not in ("", "0.0.0.0", "::") else "127.0.0.1"
    return f"http{'s' if options.tls_cert else ''}://{f'[{host}]' if ':' in host else host}:{web_ui.port}"


class _Handler(pywsgi.WSGIHandler):  # type: ignore[misc]  # gevent has no types
    """Says in one line what is wrong with a request's head; by itself gevent prints a traceback beside it."""

    def _handle_client_error(self, error: Exception) -> Any:
        known = ValueError(str(error)) if isinstance(error, http.client.HTTPException) else error
        return super()._handle_client_error(known)


class _Routes:
    def __init__(self, controller: Controller, prefix: str) -> None:
        self._controller = controller
        self._prefix = prefix
        self._locust = prefix.rpartition("/")[0] + "/"

    def reading(self) -> dict[str, Callable[..., flask.Response]]:
        return {
            "/": self.index,
            "/assets/<path:name>": self.asset,
            "/poll": self.poll,
            "/runs": self.runs,
            "/metrics": self.metrics,
            "/flames/<int:number>": self.flame,
            "/reports/<name>/": self.report,
            "/reports/<name>/<path:file>": self.report,
        }

    def changing(self) -> dict[str, Callable[..., flask.Response]]:
        controller = self._controller
        return {
            "/load/start": self._command(lambda: controller.start_load(_parse(LoadCommand))),
            "/load/stop": self._command(controller.stop_load),
            "/campaign/start": self._command(lambda: controller.start_campaign(_parse(CampaignCommand))),
            "/campaign/stop": self._command(controller.stop_campaign),
            "/server/start": self._command(lambda: controller.start_server(_parse(ServerCommand))),
            "/record": self._command(lambda: controller.record(_parse(RecordCommand))),
            "/runs/<name>/report": self._command(lambda name: controller.make_report(name)),
        }

    def index(self) -> flask.Response:
        return same_origin.protected(flask.make_response(page(self._prefix, self._locust)))

    def asset(self, name: str) -> flask.Response:
        folder, name = PALETTE.parent if name == PALETTE.name else ASSETS, posixpath.normpath(name)
        if name.startswith("build/"):
            flask.abort(404)
        return same_origin.protected(flask.send_from_directory(folder, name, max_age=0))

    def poll(self) -> flask.Response:
        """Points that came after fine= and coarse=, and the whole state."""
        fine, coarse = (flask.request.args.get(name, -1, type=int) for name in ("fine", "coarse"))
        points = self._controller.poller.history.since(flask.request.args.get("epoch", ""), fine, coarse)
        state = msgspec.json.encode(self._controller.state())
        return _json(b'{"points":%b,"state":%b}' % (points, state))

    def metrics(self) -> flask.Response:
        response = flask.Response(self._controller.poller.open_metrics(), content_type=open_metrics.CONTENT_TYPE)
        return same_origin.protected(response)

    def runs(self) -> flask.Response:
        return _answer(self._controller.runs.listed())

    def flame(self, number: int) -> flask.Response:
        flame = self._controller.flames.find(number)
        if flame is None or flame.state != "done":
            flask.abort(404)
        mimetype = {"svg": "image/svg+xml", "html": "text/html"}[flame.kind]
        response = flask.Response(flame.content, mimetype=mimetype)
        return same_origin.protected(response, REPORT_POLICY)

    def report(self, name: str, file: str = "index.html") -> flask.Response:
        folder = self._controller.runs.report(name)
        if folder is None:
            flask.abort(404)
        return same_origin.protected(flask.send_from_directory(folder.resolve(), file, max_age=0), REPORT_POLICY)

    def _command(self, action: Callable[..., None]) -> Callable[..., flask.Response]:
        def run(**names: str) -> flask.Response:
            action(**names)
            return _answer(self._controller.state())

        return run


def _parse(kind: type[C]) -> C:
    return decode(flask.request.get_data(), kind)


def _answer(content: Any, status: int = 200) -> flask.Response:
    return _json(msgspec.json.encode(content), status)


def _json(content: bytes, status: int = 200) -> flask.Response:
    response = flask.Response(content, status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return same_origin.protected(response)
