"""python -m tests.bench.burning_server SHARE [options of `servers`]: read-send that burns a known share more CPU.

Its rule: after each body the thread spins until it has used (1 + SHARE) times the CPU time that sending took, by its
own clock (clock_gettime(2), CLOCK_THREAD_CPUTIME_ID). So the truth is known without measuring: 0.1 costs 1.10 times
as much per byte, but for what is not in send_file (heads, accepting: well below 1 % for large files).
"""

import socket
import sys
import time

from errors import run_command
from servers.__main__ import main as serve
from servers.modes import read_send

_really_send = read_send.send_file


def burning(share: float) -> None:
    """From now on read-send costs this share more."""

    def send_file(sock: socket.socket, fd: int, offset: int, count: int, **options: int) -> None:
        began_ns = time.thread_time_ns()
        _really_send(sock, fd, offset, count, **options)
        until_ns = time.thread_time_ns() + share * (time.thread_time_ns() - began_ns)
        while time.thread_time_ns() < until_ns:
            pass

    read_send.send_file = send_file


if __name__ == "__main__":
    burning(float(sys.argv[1]))
    sys.argv[1:2] = ["read-send"]
    run_command(serve)
