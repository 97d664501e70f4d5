"""Puts the page, the tab and the login into Locust's web UI, and begins to watch.

Its rule: all of it happens in Locust's `init`, before the UI answers.
"""

from locust.env import Environment

from load.agent.client import AgentClient
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.web.controller import Controller
from load.web.login import require_login
from load.web.routes import attach_routes
from load.web.servers_tab import attach_tab

PATH = "/bench"
LOGIN_PATH = "/bench-login"


def attach(
    environment: Environment, agent: AgentClient, idle_servers: IdleServers, locust_loads: LocustLoads
) -> Controller:
    """Put the page and the tab into Locust's web UI, and begin to watch; the desk that does what the page asks for.

    Raises UsageError.
    """
    assert environment.web_ui is not None
    base = (getattr(environment.parsed_options, "web_base_path", None) or "").rstrip("/")
    require_login(environment.web_ui, base, base + LOGIN_PATH)
    desk = Controller(environment, agent, idle_servers, locust_loads)
    attach_routes(environment, desk, base + PATH)
    attach_tab(environment.web_ui, desk.watch, base, f"{base}{PATH}/")
    desk.watch.start()
    return desk
