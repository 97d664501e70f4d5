"""The crowd of a Locust environment: its own users, or those of its workers.

Its rule: one for each runner, since a runner takes a listener for a kind of message once.
"""

import contextlib
import sys
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, Runner

from load.campaign.settings import Settings
from load.workers.master import DistributedPool
from load.workers.processes import WorkerProcesses
from load.workers.user_pool import LocalPool, UserPool
from profiles.agent.access import Address

START_TIMEOUT_S = 30.0
COME_TIMEOUT_S = 120.0

_CROWDS: WeakKeyDictionary[Runner, UserPool] = WeakKeyDictionary()


def pool_for(environment: Environment, workers: int) -> UserPool:
    """Of a master: of so many workers, which it is to have."""
    runner = environment.runner
    assert runner is not None
    if runner not in _CROWDS:
        assert isinstance(runner, LocalRunner | MasterRunner)
        _CROWDS[runner] = LocalPool(runner) if isinstance(runner, LocalRunner) else DistributedPool(runner, workers)
    crowd = _CROWDS[runner]
    crowd.workers = workers
    return crowd


@contextlib.contextmanager
def with_workers(environment: Environment, settings: Settings) -> Iterator[None]:
    """The workers that a campaign is to have, until it ends: started here, or waited for. Raises UserError."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        yield
        return
    count, processes = settings.workers, None
    if settings.master is None:
        processes = WorkerProcesses(count, runner.server.port, settings.placement.load_cpus)
    try:
        _CROWDS[runner] = crowd = DistributedPool(runner, count, processes)
        if processes is None:
            print(f"waiting for {count} workers; {_how_to_start(settings.master)}", file=sys.stderr)
        crowd.wait_for_workers(START_TIMEOUT_S if processes else COME_TIMEOUT_S)
        yield
    finally:
        if processes:
            processes.close()


def _how_to_start(master: Address | None) -> str:
    where = f"--master-host {master.host} --master-port {master.port}" if master else ""
    return f"start each with `locust -f locustfile.py --worker {where}`"
