"""A locustfile with the modes that FEW_MODES names, for tests: sixteen servers take seconds to start, two do not."""

import os

from load.interactive.idle_servers import IdleServers
from load.locust_hooks import install
from load.users.locust_users import user_classes
from profiles.protocol import TargetStatus

USERS = {name: found for name, found in user_classes().items() if found.target in os.environ["FEW_MODES"].split()}
vars().update(USERS)
_every_status = IdleServers.statuses


def _few_statuses(servers: IdleServers) -> list[TargetStatus]:
    """Without the agent's other targets."""
    return [status for status in _every_status(servers) if status.name in servers.modes]


IdleServers.statuses = _few_statuses  # type: ignore[method-assign, assignment]
install(USERS)
