"""Who watches the machine of the load in a simulation. Its rule: it needs no locust."""

import time
from typing import Any

from errors import UserError
from load.agent.client import AgentClient
from profiles.metrics.process import METRICS
from profiles.protocol import LOAD, Machine, Samples, Snapshot


class Observer(AgentClient):
    """Watches the load for all agents: as one that runs beside a master would, but costs it nothing here."""

    def snapshot(self) -> Snapshot:
        now_s = time.monotonic()
        spent: dict[str, float | None] = {metric.facts.name: now_s for metric in METRICS}
        machine: dict[str, float | None] = dict.fromkeys(("steal_s", "swapped_bytes", "throttled_s"), 0.0)
        return Snapshot(now_s, {LOAD: spent, "machine": machine, "sampler": {"cpu_s": 0.0}})

    def samples(self, after: int) -> Samples:
        return Samples(after, ())

    def machine(self, address: str = "") -> Machine:
        return Machine("master", "here", {"cpus": 2, "address": address})

    def close(self) -> None: ...

    def _connection(self, path: str) -> Any: ...

    def _headers(self) -> dict[str, str]:
        return {}

    def _no_answer_error(self, what: str, error: Exception) -> UserError:
        return UserError(f"{what}: {error}")
