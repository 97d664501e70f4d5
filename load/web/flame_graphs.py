"""Flame graphs of running servers, recorded on demand.

The newest are kept for the live page; one that was recorded during a load is saved in its run, too.
"""

import itertools
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

import gevent

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.recordings import wait_for_recording
from load.interactive.locust_events import LocustLoads
from load.web.commands import RecordCommand
from profiles.protocol import Recording

MOST_KEPT = 12


@dataclass(slots=True)
class FlameGraph:
    """reason: why it failed, or was not saved in its run."""

    number: int
    mode: str
    seconds: int
    state: Literal["recording", "done", "failed"] = "recording"
    reason: str = ""
    svg: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What the page's list shows: everything but the picture."""
        return {name: getattr(self, name) for name in ("number", "mode", "seconds", "state", "reason")}


class FlameGraphs:
    def __init__(self, agent: AgentClient, locust_loads: LocustLoads) -> None:
        self._agent = agent
        self._loads = locust_loads
        self._numbers = itertools.count(1)
        self._kept: deque[FlameGraph] = deque(maxlen=MOST_KEPT)

    @property
    def newest_first(self) -> list[FlameGraph]:
        return list(reversed(self._kept))

    def find(self, number: int) -> FlameGraph | None:
        return next((flame for flame in self._kept if flame.number == number), None)

    def record(self, command: RecordCommand) -> None:
        """Begin recording. Raises UserError when that is not possible."""
        command.check()
        current = self._loads.current
        first = current.edge(command.mode) if current is not None and command.mode in current.modes else None
        self._agent.record(command.mode, command.seconds)
        flame = FlameGraph(next(self._numbers), command.mode, command.seconds)
        self._kept.append(flame)

        def follow() -> None:
            try:
                recording = wait_for_recording(self._agent, flame.mode, flame.seconds)
            except UserError as error:  # the server was stopped, or the agent ended
                recording = Recording("failed", reason=str(error))
            flame.state = "done" if recording.state == "done" else "failed"
            flame.reason, flame.svg = recording.reason, recording.svg
            if current is not None and first is not None and self._loads.current is current:
                try:
                    current.profiled(command.mode, first, recording)
                except (UserError, KeyError) as error:  # KeyError: the server has ended meanwhile
                    flame.reason = f"not saved in the run: {error}"

        gevent.spawn(follow)
