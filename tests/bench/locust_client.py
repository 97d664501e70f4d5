"""python -m tests.bench.locust_client PORT USERS SECONDS: Locust users alone, and what they paid, as JSON."""

import json
import logging
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
    before_s, before_bytes = time.process_time(), user_class.meter.received_bytes
    gevent.sleep(seconds)
    spent_s, received_bytes = time.process_time() - before_s, user_class.meter.received_bytes - before_bytes
    failures = user_class.meter.failures
    runner.quit()
    if failures or not received_bytes:
        sys.exit(f"{failures} failures, {received_bytes} bytes")
    print(json.dumps({"cpu_s": spent_s, "received_bytes": received_bytes}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
