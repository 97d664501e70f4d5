"""The page's routes, all below /bench, all behind Locust's login where that is enabled.

Its rule: a GET changes nothing. A POST is one wish (load/web/commands.py), answered with the new state, or refused with
one line that the page shows where the wish was made.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import flask
import msgspec
from locust.env import Environment

from errors import UsageError, UserError
from load.web import same_origin
from load.web.commands import CampaignCommand, LoadCommand, RecordCommand, ServerCommand, decode
from load.web.controller import Controller
from load.web.page import page
from profiles.targets.catalog import PROJECT

ASSETS = Path(__file__).parent / "assets"
PALETTE = PROJECT / "reports" / "templates" / "palette.css"  # the report's colours are the page's
MAX_WISH_BYTES = 64 << 10
REPORT_POLICY = f"{same_origin.SANDBOX}; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
REPORT_POLICY += "img-src data:; frame-src 'self' data: about:; base-uri 'none'; form-action 'none'"

W = TypeVar("W")


def attach_routes(environment: Environment, controller: Controller, prefix: str) -> None:
    """prefix: below which everything is, like /bench."""
    web_ui = environment.web_ui
    assert web_ui is not None and web_ui.app is not None
    blueprint = flask.Blueprint("bench", __name__, url_prefix=prefix)
    routes = _Routes(controller, prefix)
    for method, views in (("GET", routes.reading()), ("POST", routes.changing())):
        for path, view in views.items():
            endpoint = path.replace(".", "_")
            blueprint.add_url_rule(path, endpoint, web_ui.auth_required_if_enabled(view), methods=[method])

    reached_at = getattr(environment.parsed_options, "published_on", None) or web_ui.host
    base = prefix.rpartition("/")[0]
    buttons = (f"{base}/swarm", f"{base}/stop")

    @web_ui.app.before_request
    def refuse_strangers() -> flask.Response | None:
        reason = same_origin.refusal(flask.request, reached_at, prefix)
        return None if reason is None else _answer({"error": reason}, 403)

    @web_ui.app.before_request
    def leave_campaigns_alone() -> flask.Response | None:
        """Locust's own buttons would stop the users of a cell, or start others beside them."""
        if controller.campaigns.running and flask.request.path in buttons:
            return _answer({"success": False, "message": "A campaign runs: stop it on its page"}, 409)
        return None

    web_ui.app.register_blueprint(blueprint)


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
            "/flames/<int:number>.svg": self.flame,
            "/reports/<name>/": self.report,
            "/reports/<name>/<path:file>": self.report,
        }

    def changing(self) -> dict[str, Callable[..., flask.Response]]:
        desk = self._controller
        return {
            "/load/start": self._command(lambda: desk.start_load(_wish(LoadCommand))),
            "/load/stop": self._command(desk.stop_load),
            "/campaign/start": self._command(lambda: desk.start_campaign(_wish(CampaignCommand))),
            "/campaign/stop": self._command(desk.stop_campaign),
            "/server/start": self._command(lambda: desk.start_server(_wish(ServerCommand))),
            "/record": self._command(lambda: desk.record(_wish(RecordCommand))),
            "/runs/<name>/report": self._command(lambda name: desk.make_report(name)),
        }

    def index(self) -> flask.Response:
        return same_origin.protected(flask.make_response(page(self._prefix, self._locust)))

    def asset(self, name: str) -> flask.Response:
        folder = PALETTE.parent if name == PALETTE.name else ASSETS
        if name.startswith("build/"):
            flask.abort(404)
        return same_origin.protected(flask.send_from_directory(folder, name, max_age=0))

    def poll(self) -> flask.Response:
        """What is new: points after fine= and coarse=, and the whole state."""
        fine, coarse = (flask.request.args.get(name, -1, type=int) for name in ("fine", "coarse"))
        points = self._controller.watch.history.since(flask.request.args.get("epoch", ""), fine, coarse)
        state = msgspec.json.encode(self._controller.state())
        return _json(b'{"points":%b,"state":%b}' % (points, state))

    def runs(self) -> flask.Response:
        return _answer(self._controller.runs.listed())

    def flame(self, number: int) -> flask.Response:
        flame = self._controller.flames.find(number)
        if flame is None or flame.state != "done":
            flask.abort(404)
        response = flask.send_file(io.BytesIO(flame.svg.encode()), mimetype="image/svg+xml")
        return same_origin.protected(response, REPORT_POLICY)

    def report(self, name: str, file: str = "index.html") -> flask.Response:
        folder = self._controller.runs.report(name)
        if folder is None:
            flask.abort(404)
        return same_origin.protected(flask.send_from_directory(folder.resolve(), file, max_age=0), REPORT_POLICY)

    def _command(self, deed: Callable[..., None]) -> Callable[..., flask.Response]:
        def grant(**names: str) -> flask.Response:
            try:
                deed(**names)
            except UserError as error:
                return _answer({"error": str(error)}, 400)
            return _answer(self._controller.state())

        return grant


def _wish(kind: type[W]) -> W:
    if (flask.request.content_length or 0) > MAX_WISH_BYTES:
        raise UsageError(f"nobody asks for as much as this: a wish has {MAX_WISH_BYTES} bytes at most")
    return decode(flask.request.get_data(), kind)


def _answer(content: Any, status: int = 200) -> flask.Response:
    return _json(msgspec.json.encode(content), status)


def _json(content: bytes, status: int = 200) -> flask.Response:
    response = flask.Response(content, status, mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return same_origin.protected(response)
