"""python -m tests.bench.locust_client PORT USERS SECONDS: Locust users alone, and what they paid.

Its rule: it says the same as the C client (floor.c), in one line of JSON.
"""

import json
import logging
import resource
import sys
import time

import gevent
from locust.env import Environment

from load.users import user_classes

WARM_UP_S = 0.3


def main(port: int, users: int, seconds: float) -> None:
    logging.disable()
    user_class = next(users for users in user_classes().values() if users.target == "sendfile")
    user_class.address = ("127.0.0.1", port)
    environment = Environment(user_classes=[user_class], stop_timeout=0)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    gevent.sleep(WARM_UP_S)
    before, meter, started_s = resource.getrusage(resource.RUSAGE_SELF), user_class.meter, time.monotonic()
    before_bytes, before_downloads = meter.received_bytes, meter.downloads
    gevent.sleep(seconds)
    after, wall_s = resource.getrusage(resource.RUSAGE_SELF), time.monotonic() - started_s
    told = {
        "received_bytes": meter.received_bytes - before_bytes,
        "wall_s": wall_s,
        "user_s": after.ru_utime - before.ru_utime,
        "system_s": after.ru_stime - before.ru_stime,
        "downloads": meter.downloads - before_downloads,
    }
    runner.quit()
    if meter.failures or not told["received_bytes"]:
        sys.exit(f"{meter.failures} failures, {told['received_bytes']} bytes")
    print(json.dumps(told))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
