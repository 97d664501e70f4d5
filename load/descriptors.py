"""How many files and sockets this process may have open (getrlimit(2)). Its rule: it needs no locust."""

import resource


def raise_limit_on_files() -> None:
    """As many descriptors as are allowed: each user needs one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
