"""One line on stderr about what a peer or the machine did.

Its rule: it never fails and never stops a server; whoever closed stderr wanted no lines.
"""

import contextlib
import os
import sys


def say(message: str) -> None:
    if sys.stderr is not None:  # print(file=None) would turn to stdout, which belongs to "ready"
        with contextlib.suppress(OSError):
            # One write, so that lines stay whole, and no buffer, that the interpreter would fail to flush at its end.
            os.write(sys.stderr.fileno(), f"{os.getpid()}: {message}\n".encode(errors="backslashreplace"))
