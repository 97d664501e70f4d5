"""Locust's web UI with our page and an hour of history in it: `python -m tests.bench.live_ui ROOT` prints its port.

Its rule: made-up points of 14 modes, through the page's own history; it ends with its standard input.
"""

import sys
import time
from argparse import Namespace
from pathlib import Path

import gevent
from locust.env import Environment

from load.agent.local import LocalAgent
from load.context import LoadContext
from load.interactive.idle_servers import IdleServers
from load.interactive.locust_events import LocustLoads
from load.users.locust_users import user_classes
from load.web.point_history import COARSE_POINTS, STEP
from load.web.rates import COLUMNS, Point
from load.web.routes import attach
from profiles.protocol import LOAD

MODES = 14


def main(root: Path) -> None:
    users = user_classes()
    environment = Environment(user_classes=list(users.values()))
    environment.create_local_runner()
    web_ui = environment.create_web_ui("127.0.0.1", 0, delayed_start=True)
    out = {"profiles": str(root / "profiles"), "reports": str(root / "reports")}
    environment.parsed_options = Namespace(root=str(root), any_port=True, web_base_path="", **out)
    host = LocalAgent(root)
    context = LoadContext(environment, users, host)
    controller = attach(context, IdleServers(host, users, any_port=True), LocustLoads(users))
    now_s = time.monotonic()
    names = [*list(users)[:MODES], LOAD]
    for number in range(COARSE_POINTS * STEP):
        values = tuple(1234.5678 + number + place for place in range(len(COLUMNS)))
        controller.poller.history.add(Point(now_s - 3600 + number / 2, dict.fromkeys(names, values), (0.1, 0.2, 0.0)))
    web_ui.start()  # type: ignore[no-untyped-call]
    while web_ui.server is None or not web_ui.server.started:
        gevent.sleep(0.01)
    print(f"ready live {web_ui.server.server_port}", flush=True)
    gevent.os.tp_read(0, 1)
    host.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
