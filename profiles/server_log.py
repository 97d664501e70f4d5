"""What a server wrote to its stderr, kept in a file without a name.

Its rule: a line of it is enough; a server that says that it serves has said nothing yet.
"""

import os
from typing import IO

_TAIL_BYTES = 4096


def last_line(log: IO[bytes]) -> str:
    """The last line that the server wrote, without what makes it an error."""
    size = os.fstat(log.fileno()).st_size
    tail = os.pread(log.fileno(), _TAIL_BYTES, max(0, size - _TAIL_BYTES)).decode(errors="replace")
    lines = [line for line in tail.splitlines() if line.strip() and ": serving " not in line]
    return lines[-1].removeprefix("error: ") if lines else ""
