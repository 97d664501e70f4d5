"""How this project starts Python: this interpreter, without what the user's environment sets for any other.

Its rule: every process of ours starts with -E (python(1)). PYTHONOPTIMIZE would take away what argparse and altair
read, PYTHONSAFEPATH this project, and PYTHONTRACEMALLOC would be measured. The variables stay, since a server of
the user's own may need them.
"""

import contextlib
import signal
import sys
from collections.abc import Iterator

PYTHON = (sys.executable, "-E")


@contextlib.contextmanager
def ctrl_c_later() -> Iterator[None]:
    """A process of ours that is started meanwhile hears of Ctrl-C when it calls hear_ctrl_c(), its modules loaded."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear_ctrl_c() -> None:
    """Also one that came before."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
