"""Flame graphs of running servers, recorded on demand.

Its rule: the newest ones are kept for the page, whatever happens; one that was recorded during a load belongs to its
run too.
"""

import itertools
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import gevent

from errors import UserError
from load.agent.client import AgentClient
from load.interactive.locust_events import LocustLoads
from load.web.commands import RecordCommand
from profiles.protocol import Recording

MOST_KEPT = 12
LOOK_S = 0.3
GRACE_S = 30.0


@dataclass(slots=True)
class FlameGraph:
    """reason: why it failed, or is not kept in its run."""

    number: int
    mode: str
    seconds: int
    state: Literal["recording", "done", "failed"] = "recording"
    reason: str = ""
    svg: str = ""


class FlameGraphs:
    def __init__(self, agent: AgentClient, locust_loads: LocustLoads) -> None:
        self._agent = agent
        self._loads = locust_loads
        self._numbers = itertools.count(1)
        self._kept: OrderedDict[int, FlameGraph] = OrderedDict()

    @property
    def kept(self) -> list[FlameGraph]:
        """The newest first."""
        return list(reversed(self._kept.values()))

    def find(self, number: int) -> FlameGraph | None:
        return self._kept.get(number)

    def record(self, command: RecordCommand) -> None:
        """Begin. Raises UserError when it cannot begin."""
        command.check()
        current = self._loads.current
        first = current.edge(command.mode) if current is not None and command.mode in current.modes else None
        self._agent.record(command.mode, command.seconds)
        flame = FlameGraph(next(self._numbers), command.mode, command.seconds)
        self._kept[flame.number] = flame
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

        def follow() -> None:
            recording = self._result(flame)
            flame.state = "done" if recording.state == "done" else "failed"
            flame.reason, flame.svg = recording.reason, recording.svg
            if current is not None and first is not None and self._loads.current is current:
                try:
                    current.profiled(command.mode, first, recording)
                except UserError as error:
                    flame.reason = f"not kept in the run: {error}"

        gevent.spawn(follow)

    def _result(self, flame: FlameGraph) -> Recording:
        with gevent.Timeout(flame.seconds + GRACE_S, False):
            try:
                while (recording := self._agent.recording(flame.mode)).state == "recording":
                    gevent.sleep(LOOK_S)
                return recording
            except UserError as error:  # the server was stopped, or the agent ended
                return Recording("failed", reason=str(error))
        return Recording("failed", reason=f"the profiler did not end within {GRACE_S:.0f} s of its time")
