"""python -m tests.scale.master FOLDER CELLS WORKERS PORT...: one master that directs workers and agents; what it paid.

Its rule: it does for each agent what a campaign does for its one (load/campaign/cell_runner.py), with the same code, cell after cell
at a campaign's pace; it prints one line of JSON.
"""

import json
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import gevent
from gevent.pool import Pool
from locust.env import Environment

from load.agent.options import AgentOptions
from load.agent.remote import RemoteAgent
from load.campaign.cell import WindowBoundary, measure
from load.campaign.window_edges import interpolate_boundary
from load.workers.master import DistributedPool
from load.workers.user_pool import Mark
from profiles.agent.access import Address
from profiles.metrics.process import METRICS
from profiles.protocol import Start
from profiles.store.records import Sample
from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT
from tests.scale.agents import TARGET, TOKEN
from tests.scale.observer import Observer
from tests.scale.workers import pretending_users

CELL_S = 3.7  # of a campaign with its defaults: warm-up, window, start and stop of a server
WINDOW_S = 2.0
AT_ONCE = 32  # agents that are spoken to side by side
USERS_EACH = 2
FACTS = tuple(metric.facts for metric in METRICS)


class Site:
    """A host of servers as the master sees it."""

    def __init__(self, number: int, port: int, folder: Path) -> None:
        self.host = RemoteAgent(AgentOptions(Address("127.0.0.1", port), TOKEN, None), Observer())
        self.folder = RunFolder(folder / f"host-{number}")
        self.folder.create()
        self.seen = self.host.newest_sample()


class Simulation:
    """Workers and agents under one master, in cells."""

    def __init__(self, folder: Path, ports: list[int], workers: int) -> None:
        self._pool = Pool(AT_ONCE)
        self._sites = list(self._pool.map(lambda item: Site(item[0], item[1], folder), enumerate(ports)))
        (self._user,) = users = list(pretending_users().values())
        environment = Environment(user_classes=list(users), stop_timeout=0)
        self._runner = environment.create_master_runner("127.0.0.1", 0)
        command = [sys.executable, "-m", "tests.scale.workers", str(workers), str(self._runner.server.port)]
        self._workers = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE)
        self._crowd = DistributedPool(self._runner, workers)
        self._crowd.wait_for_workers(60)
        self._users = USERS_EACH * workers
        self._began_s = time.monotonic()

    def cell(self, number: int) -> None:
        """On all hosts at once, as a campaign does on one."""
        began_s = time.monotonic()
        self._each(lambda site: (site.host.file_state(), site.host.start(Start(TARGET))))
        self._crowd.start(self._user, self._users, None)
        first = self._edges("begin")
        gevent.sleep(WINDOW_S)
        last = self._edges("end")
        self._crowd.stop()
        for site, edges in zip(self._sites, zip(first, last, strict=True), strict=True):
            site.folder.append_cell(measure((number, 1), TARGET, 0.0, edges, self._crowd.meter, FACTS))
        self._each(self._end)
        gevent.sleep(max(0.0, began_s + CELL_S - time.monotonic()))

    def _edges(self, mark: Mark) -> list[WindowBoundary]:
        """The workers are asked once before and once after all agents."""
        before = self._crowd.counts()
        readings = self._pool.map(lambda site: site.host.read(), self._sites)
        after = self._crowd.counts(mark)
        return [interpolate_boundary(before, reading, after) for reading in readings]

    def end(self) -> None:
        self._each(lambda site: site.host.close())
        self._runner.quit()
        assert self._workers.stdin is not None
        self._workers.stdin.close()
        self._workers.wait()

    def _each(self, deed: Callable[[Site], object]) -> None:
        self._pool.map(deed, self._sites)

    def _end(self, site: Site) -> None:
        site.host.stop(TARGET)
        site.host.file_state()
        fresh = site.host.samples(site.seen)
        site.seen = fresh.last
        site.folder.append_samples(
            Sample(one.monotonic_s - self._began_s, one.process, one.pid, one.values) for one in fresh.samples
        )


def main(folder: Path, cells: int, workers: int, ports: list[int]) -> None:
    logging.disable()
    simulation = Simulation(folder, ports, workers)
    simulation.cell(0)  # what is only done once is not counted
    before_s, began_s = time.process_time(), time.monotonic()
    for number in range(1, cells + 1):
        simulation.cell(number)
    wall_s = time.monotonic() - began_s
    told = {
        "cpu_s": time.process_time() - before_s,
        "wall_s": wall_s,
        "cells": cells,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10,
        "record_bytes": sum(path.stat().st_size for path in folder.rglob("*.jsonl")) * cells / (cells + 1),
    }
    simulation.end()
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), [int(port) for port in sys.argv[4].split(",")])
