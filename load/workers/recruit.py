"""The user pool of a Locust environment: its own users, or those of its workers.

Its rule: one pool per runner, since a runner takes only one listener for a kind of message.
"""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, Runner

from load.workers.master import DistributedPool
from load.workers.processes import WorkerProcesses
from load.workers.user_pool import LocalPool
from profiles.agent.access import Address
from reports.analysis.text import plural

START_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 120.0

UserPool = LocalPool | DistributedPool
_POOLS: WeakKeyDictionary[Runner, UserPool] = WeakKeyDictionary()


def pool_for(environment: Environment, workers: int) -> UserPool:
    """workers: how many a master is to have."""
    runner = environment.runner
    assert runner is not None
    if runner not in _POOLS:
        assert isinstance(runner, LocalRunner | MasterRunner)
        _POOLS[runner] = LocalPool(runner) if isinstance(runner, LocalRunner) else DistributedPool(runner, workers)
    pool = _POOLS[runner]
    pool.workers = workers
    return pool


@contextlib.contextmanager
def with_workers(environment: Environment, count: int, master: Address | None, cpus: Sequence[int]) -> Iterator[None]:
    """A campaign's workers, until it ends: started here on these CPUs, or awaited at the master's address. Raises
    UserError."""
    runner = environment.runner
    if not isinstance(runner, MasterRunner):
        yield
        return
    processes = WorkerProcesses(count, runner.server.port, cpus) if master is None else None
    with contextlib.closing(processes) if processes else contextlib.nullcontext():
        _POOLS[runner] = pool = DistributedPool(runner, count, processes)
        if processes is None:
            where = f"--master-host {master.host} --master-port {master.port}" if master else ""
            start = f"start each with `locust -f locustfile.py --worker {where}`"
            print(f"waiting for {plural(count, 'worker')}; {start}", file=sys.stderr)
        pool.wait_for_workers(START_TIMEOUT_S if processes else CONNECT_TIMEOUT_S)
        yield
