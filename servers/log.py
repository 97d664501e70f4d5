"""One line on stderr about what a peer or the machine did.

Its rule: it never fails, never waits and never stops a server. Whoever closed stderr wanted no lines, and whoever does
not read a pipe that is full loses some: a peer that makes a server say things must not make it stand still.
"""

import contextlib
import os
import select
import sys
import threading

_LONGEST_BYTES = select.PIPE_BUF  # a pipe that is ready takes so many at once, and whole: poll(2), pipe(7)
_one_at_a_time = threading.Lock()


def log(message: str) -> None:
    if sys.stderr is not None:  # print(file=None) would turn to stdout, which belongs to "ready"
        line = f"{os.getpid()}: {message}\n".encode(errors="backslashreplace")[-_LONGEST_BYTES:]
        with contextlib.suppress(OSError), _one_at_a_time:
            stderr, poll = sys.stderr.fileno(), select.poll()
            poll.register(stderr, select.POLLOUT)
            if poll.poll(0):
                # One write, so that lines stay whole; no buffer, that the interpreter would fail to flush at its end.
                os.write(stderr, line)
