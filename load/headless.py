"""What `make load` and `make sweep` share: Locust without a browser, and an end in order.

Whatever happens, everything that was started is stopped, complete rounds are kept, and the exit code says how it went:
0 done, 1 failures in the load, 2 wrong usage, 130 interrupted.
"""

import os
import signal
import sys
from collections.abc import Callable

from locust.env import Environment
from locust.runners import Runner

from errors import EXIT_INTERRUPTED, UserError
from load.agent.client import AgentClient
from load.context import LoadContext
from load.process import raise_in_main_greenlet
from load.users.locust_users import quiet_environment
from profiles.protocol import LOAD


def run_headless(
    make_runner: Callable[[Environment], Runner],
    connect: Callable[[], AgentClient],
    work: Callable[[LoadContext], int],
    what_remains: Callable[[], str],
) -> int:
    """Do the work with a runner and an agent, and end both; the exit code. what_remains: said when it is cut short."""
    environment, classes = quiet_environment()
    runner = make_runner(environment)
    raise_in_main_greenlet(signal.SIGINT, signal.SIGTERM)
    try:
        agent = connect()
        try:
            agent.watch(LOAD, os.getpid())
            return work(LoadContext(environment, classes, agent))
        finally:
            runner.quit()
            agent.close()
    except KeyboardInterrupt:
        print(f"interrupted. {what_remains()}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except UserError as error:
        print(f"error: {str(error).rstrip('.')}. {what_remains()}", file=sys.stderr)
        return error.exit_code
