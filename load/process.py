"""What a process that measures needs: to be the only one on this machine, and enough file descriptors."""

import contextlib
import resource
import socket
from collections.abc import Iterator

from errors import UserError


@contextlib.contextmanager
def campaign_lock(allowed_beside_others: bool) -> Iterator[None]:
    """Raises UserError while another campaign runs: two would measure each other.

    The lock is a name in the abstract socket namespace (unix(7)): it ends with its process and leaves no file.
    """
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            if not allowed_beside_others:
                lock.bind("\0zero-copy-bench-campaign")
        except OSError as error:
            raise UserError(
                "another campaign is running on this machine, and two would measure each other: wait"
            ) from error
        yield


def raise_limit_on_files() -> None:
    """Allow as many descriptors as the hard limit does: each user needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
