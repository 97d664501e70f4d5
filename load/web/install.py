"""Adds the live page, the tab and the login to Locust's web UI: in Locust's `init`, before the UI answers."""

from load.context import LoadContext
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.web.controller import Controller
from load.web.login import require_login
from load.web.routes import attach_routes
from load.web.servers_tab import attach_tab

PATH = "/bench"
LOGIN_PATH = "/bench-login"


def attach(context: LoadContext, idle_servers: IdleServers, locust_loads: LocustLoads) -> Controller:
    """Add everything, and start polling; the controller that does what the page asks for. Raises UsageError."""
    environment = context.environment
    assert environment.web_ui is not None
    base = (getattr(environment.parsed_options, "web_base_path", None) or "").rstrip("/")
    require_login(environment.web_ui, base, base + LOGIN_PATH)
    controller = Controller(context, idle_servers, locust_loads)
    attach_routes(environment, controller, base + PATH)
    attach_tab(environment.web_ui, controller.poller, base, f"{base}{PATH}/")
    controller.poller.start()
    return controller
