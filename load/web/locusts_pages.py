"""What we add to Locust's own pages: a way to the live page, the form's preset, and what servers paid.

Its rule: Locust's front end has no place for any of it, so it stands before the part that Locust draws, and covers
nothing. The preset is that of the live page; Locust itself ticks every user class.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import flask
from locust.env import Environment
from locust.web import WebUI
from werkzeug.datastructures import MultiDict

from errors import UserError
from load.interactive.chosen_classes import available_classes, check_host, check_settings
from load.interactive.locust_events import AT_REST, LocustLoads, check_load
from load.interactive.server_costs import NOTHING_PAIRED, ServerCosts
from load.web.page import ENVIRONMENT
from profiles.store.files import write_file

NO_SHAPE = "Default"  # of Locust's form
PLACE = '<div id="root">'  # where Locust's own part begins
_DIGITS = 9  # more would be too many users, too


def attach(web_ui: WebUI, locust_loads: LocustLoads, base: str, live_page: str) -> None:
    """base: of Locust's UI. live_page: where ours is."""
    assert web_ui.app is not None
    environment = web_ui.environment

    @web_ui.app.after_request
    def add(response: flask.Response) -> flask.Response:
        path, costs = flask.request.path, locust_loads.costs
        if response.mimetype != "text/html" or response.is_streamed or response.status_code != 200:
            return response
        if path == f"{base}/":
            ticked = [one.__name__ for one in environment.user_classes]
            response.set_data(with_live_page(response.get_data(as_text=True), live_page, ticked))
        elif path == f"{base}/stats/report" and costs is not None:
            response.set_data(with_costs(response.get_data(as_text=True), costs))
        return response

    @web_ui.app.before_request
    def refuse_what_cannot_be_measured() -> flask.Response | None:
        """Where its form shows a refusal: a load that does not start says nothing there."""
        try:
            if flask.request.path == f"{base}/swarm":
                _check_form(environment, locust_loads, flask.request.form)
        except UserError as error:
            return flask.jsonify({"success": False, "message": str(error)})
        return None

    @web_ui.app.before_request
    def refuse_what_a_data_path_is_made_of() -> tuple[flask.Response, int] | None:
        given = flask.request.get_json(force=True) if flask.request.path == f"{base}/user" else None
        try:
            check_settings([given] if isinstance(given, dict) else [], locust_loads.user_classes)
        except UserError as error:
            return flask.jsonify({"error": str(error)}), 400
        return None


def _check_form(environment: Environment, locust_loads: LocustLoads, form: MultiDict[str, str]) -> None:
    """Raises UserError. A number of users that is none is refused by Locust."""
    assert environment.parsed_options is not None and environment.runner is not None
    available = available_classes(environment)
    names = form.getlist("user_classes")
    running = environment.runner.state not in AT_REST
    classes = [one for name, one in available.items() if name in names]
    classes = classes or (environment.user_classes if running else [*available.values()])  # as Locust takes them
    sink, pace = (form.get(name, getattr(environment.parsed_options, name)) for name in ("sink", "pace"))
    users, shape = form.get("user_count", ""), form.get("shape_class", NO_SHAPE)
    known = None if shape == NO_SHAPE else shape
    check_load(environment, sink, pace, int(users[:_DIGITS]) if users.isdecimal() else 0, classes, known)
    check_host(form.get("host"), classes, locust_loads.user_classes.values())


def with_live_page(page: str, href: str, ticked: Sequence[str]) -> str:
    """Locust's page with a bar that leads to ours, and a form in which these user classes are ticked."""
    preset = json.dumps(list(ticked)).replace("<", r"\u003c")
    return _before(page, ENVIRONMENT.get_template("locust_page.html").render(href=href, preset=preset))


def with_costs(report: str, costs: ServerCosts) -> str:
    """Locust's report with what the servers paid."""
    template = ENVIRONMENT.get_template("server_costs.html")
    return _before(report, template.render(costs=costs, nothing_paired=NOTHING_PAIRED))


def add_costs(report: Path, costs: ServerCosts) -> None:
    """The same in a file. Raises UserError."""
    try:
        text = report.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot add what servers paid to {report}: {error.strerror}") from error
    write_file(report, with_costs(text, costs).encode())


def _before(page: str, part: str) -> str:
    before, place, after = page.rpartition(PLACE)
    return f"{before}{part}{place}{after}" if place else page + part
