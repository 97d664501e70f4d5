"""python -m tests.servers.failing_allocations USE: makes each allocation of a use of shared state fail in turn.

Its rule: afterwards a thread that uses the same state must end. CPython's own `_testcapi` makes allocations fail.
"""

import importlib
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from servers import log
from servers.connections import Connections
from servers.mechanisms.zerocopy import Tally

MOST_ALLOCATIONS = 200  # more than any of these uses makes
SKIPPED = 77
TIMEOUT_S = 10.0


def connections() -> Callable[[], None]:
    shared, sock = Connections(1 << 20), socket.socket()

    def use() -> None:
        if connection := shared.add(sock):
            shared.remove(connection)
        shared.finish(0.0)

    return use


def tally() -> Callable[[], None]:
    shared = Tally()
    return lambda: shared.add(1 << 70, 1 << 70)  # numbers that take memory


def lines() -> Callable[[], None]:
    return lambda: log.log("a line")


def main(name: str) -> int:
    try:
        failing: Any = importlib.import_module("_testcapi")
    except ImportError:
        print("this Python has no _testcapi, which makes allocations fail")
        return SKIPPED
    use = {"connections": connections, "tally": tally, "log": lines}[name]()
    use()
    for number in range(MOST_ALLOCATIONS):
        failing.set_nomemory(number, number + 1)
        try:
            use()
        except MemoryError:
            pass
        finally:
            failing.remove_mem_hooks()
        other = threading.Thread(target=use, daemon=True)
        other.start()
        other.join(TIMEOUT_S)
        if other.is_alive():
            print(f"{name}: a lock was lost when allocation {number} failed")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
