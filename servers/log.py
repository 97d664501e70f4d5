"""Writes a line to stderr about what a peer or the machine did.

Its rule: log() never fails and never blocks. A closed stderr drops lines, and so does a full pipe that nobody reads: no
peer may stop a server by making it log.
"""

import contextlib
import os
import select
import sys
import threading

_LONGEST_BYTES = select.PIPE_BUF  # a pipe that polls as writable takes this much at once, whole: poll(2), pipe(7)
_one_at_a_time = threading.Lock()


def log(message: str) -> None:
    if sys.stderr is not None:  # print(file=None) would write to stdout, which belongs to "ready"
        with contextlib.suppress(OSError, MemoryError):
            line = f"{os.getpid()}: {message}\n".encode(errors="backslashreplace")[-_LONGEST_BYTES:]
            stderr, poll = sys.stderr.fileno(), select.poll()
            poll.register(stderr, select.POLLOUT)
            _one_at_a_time.acquire()
            try:  # `with` would need memory to give the lock back
                if poll.poll(0):
                    os.write(stderr, line)  # one write keeps lines whole; a buffer would fail to flush at exit
            finally:
                _one_at_a_time.release()
