"""One campaign on a machine at a time: two would measure each other.

Its rule: the lock is a name in the abstract socket namespace (unix(7)): it goes when its process goes, however that
ends, and leaves no file.
"""

import contextlib
import resource
import socket
from collections.abc import Iterator

from errors import UserError


@contextlib.contextmanager
def campaign_lock(allowed_beside_others: bool) -> Iterator[None]:
    """Raises UserError while another campaign runs."""
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            if not allowed_beside_others:
                lock.bind("\0zero-copy-bench-campaign")
        except OSError as error:
            raise UserError("another campaign runs on this machine, and two would measure each other: wait") from error
        yield


def raise_limit_on_files() -> None:
    """As many descriptors as are allowed: each user needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
