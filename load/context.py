"""What every load needs: Locust's environment, the users that it can start, and the agent that runs the servers."""

from dataclasses import dataclass

from locust.env import Environment

from load.agent.client import AgentClient
from load.users.locust_users import DownloadUser


@dataclass(frozen=True, slots=True)
class LoadContext:
    """user_classes: by class name, one per target."""

    environment: Environment
    user_classes: dict[str, type[DownloadUser]]
    agent: AgentClient

    def user_class(self, mode: str) -> type[DownloadUser]:
        return next(one for one in self.user_classes.values() if one.target == mode)
