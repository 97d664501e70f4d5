"""python -m tests.bench.crowd_client PORT USERS WORKERS: users in this process, or in workers; what all paid.

Its rule: each line of its input asks for a slice, and is answered in one line of JSON. CPU is that of every process of
the load, the one that directs and the workers.
"""

import contextlib
import json
import logging
import math
import sys
import time
from collections.abc import Iterator

from locust.env import Environment

from load.users.locust_users import let_locust_know, user_classes
from load.users.slice_counts import SliceCounts
from load.workers.master import DistributedPool
from load.workers.processes import WorkerProcesses
from load.workers.recruit import UserPool
from load.workers.user_pool import LocalPool
from tests.bench.paired_slices import SLICE_S

TIMEOUT_S = 30.0
MODE = "sendfile"


def main(port: int, users: int, workers: int) -> None:
    logging.disable()
    user_class = next(one for one in user_classes().values() if one.target == MODE)
    user_class.address = ("127.0.0.1", port)
    environment = Environment(user_classes=[user_class], stop_timeout=0)
    with _pool(environment, workers) as pool:
        let_locust_know(environment, [user_class])
        pool.start([user_class], users, None)
        cycles = math.ceil(SLICE_S / pool.run_slice(MODE, 1, TIMEOUT_S).wall_s)
        for _ in sys.stdin:
            before_s = time.process_time()
            counts = pool.run_slice(MODE, cycles, TIMEOUT_S)
            _check(counts)
            cpu_s = time.process_time() - before_s + counts.cpu.get("cpu_s", 0.0)
            print(json.dumps({"cpu_s": cpu_s, "received_bytes": counts.received_bytes}), flush=True)


@contextlib.contextmanager
def _pool(environment: Environment, workers: int) -> Iterator[UserPool]:
    if not workers:
        yield LocalPool(environment.create_local_runner())
        return
    runner = environment.create_master_runner("127.0.0.1", 0)
    with contextlib.closing(WorkerProcesses(workers, runner.server.port, ())) as processes:
        pool = DistributedPool(runner, workers, processes)
        pool.wait_for_workers(TIMEOUT_S)
        yield pool


def _check(counts: SliceCounts) -> None:
    if counts.failures or counts.timed_out or not counts.received_bytes:
        sys.exit(f"{counts.failures} failures, {counts.received_bytes} bytes")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
