"""What every load needs: Locust's environment, the users that it can start, and the agent that runs the servers."""

from dataclasses import dataclass

from locust.env import Environment

from load.agent.client import AgentClient
from load.users.locust_users import DownloadUser, variant_class
from profiles.targets.variants import target_of


@dataclass(frozen=True, slots=True)
class LoadContext:
    """user_classes: by class name, one per target, and one per variant that was asked for."""

    environment: Environment
    user_classes: dict[str, type[DownloadUser]]
    agent: AgentClient

    def user_class(self, name: str) -> type[DownloadUser]:
        """The users of a target or a variant. Those of a variant are made when they are first asked for, and Locust can
        start them from then on."""
        known = {one.target: one for one in self.user_classes.values()}
        if name not in known:
            known[name] = made = variant_class(known[target_of(name)], name)
            self.user_classes[made.__name__] = made
            self.environment.user_classes.append(made)
        return known[name]
