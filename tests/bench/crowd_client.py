"""python -m tests.bench.crowd_client PORT USERS SECONDS WORKERS: users in this process, or in workers; what all paid.

Its rule: it says the same as the C client (floor.c), in one line of JSON. CPU is that of every process of the load, the
one that directs and the workers; beside it stands what the server paid meanwhile.
"""

import json
import logging
import resource
import sys
import time

import gevent
from locust.env import Environment

from load.users.locust_users import user_classes
from load.workers.master import DistributedPool
from load.workers.processes import WorkerProcesses
from load.workers.recruit import UserPool
from load.workers.user_pool import LocalPool, Received
from profiles.targets.catalog import listener_clock

WARM_UP_S = 0.3
START_TIMEOUT_S = 30.0


def main(port: int, users: int, seconds: float, workers: int) -> None:
    logging.disable()
    user_class = next(users for users in user_classes().values() if users.target == "sendfile")
    user_class.address = ("127.0.0.1", port)
    server_clock = listener_clock(port)
    assert server_clock is not None
    environment = Environment(user_classes=[user_class], stop_timeout=0)
    crowd: UserPool
    processes: WorkerProcesses | None = None
    if workers:
        runner = environment.create_master_runner("127.0.0.1", 0)
        processes = WorkerProcesses(workers, runner.server.port, ())
        crowd = DistributedPool(runner, workers, processes)
        crowd.wait_for_workers(START_TIMEOUT_S)
    else:
        crowd = LocalPool(environment.create_local_runner())
    crowd.start(user_class, users, None)
    gevent.sleep(WARM_UP_S)
    first, first_s, server_s, began_s = crowd.counts("begin"), _own_cpu(), server_clock(), time.monotonic()
    gevent.sleep(seconds)
    last, last_s, wall_s = crowd.counts("end"), _own_cpu(), time.monotonic() - began_s
    server_s = server_clock() - server_s
    told = {
        "received_bytes": _total(last, "received_bytes") - _total(first, "received_bytes"),
        "downloads": _total(last, "downloads") - _total(first, "downloads"),
        "wall_s": wall_s,
        "server_s": server_s,
        "user_s": last_s[0] - first_s[0] + _workers_cpu(last, "user_s") - _workers_cpu(first, "user_s"),
        "system_s": last_s[1] - first_s[1] + _workers_cpu(last, "system_s") - _workers_cpu(first, "system_s"),
    }
    failures = crowd.meter.failures
    crowd.stop()
    if processes:
        processes.close()
    if failures or not told["received_bytes"]:
        sys.exit(f"{failures} failures, {told['received_bytes']} bytes")
    print(json.dumps(told))


def _own_cpu() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime, usage.ru_stime


def _total(counts: list[Received], name: str) -> int:
    return sum(getattr(count, name) for count in counts)


def _workers_cpu(counts: list[Received], name: str) -> float:
    """The CPU time of the worker processes."""
    return sum(count.cpu[name] for count in counts if count.cpu)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
