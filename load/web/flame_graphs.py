"""Flame graphs of running servers, recorded on demand.

They are the report's: in a load perf records after py-spy, where this machine permits it, and both are saved in the
load's run. The newest are kept for the live page.
"""

import itertools
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import gevent

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.recordings import wait_for_recording
from load.interactive.locust_events import LocustLoads
from load.interactive.recorded_load import RecordedLoad
from load.process import run_module
from load.web.commands import RecordCommand
from profiles.protocol import Recording

MOST_KEPT = 12


@dataclass(slots=True)
class FlameGraph:
    """reason: why it failed, was not saved in its run, or has Python frames only. kind: of its content: py-spy's
    picture, or the page that the report's script draws."""

    number: int
    mode: str
    seconds: int
    state: Literal["recording", "done", "failed"] = "recording"
    reason: str = ""
    kind: Literal["svg", "html"] = "svg"
    content: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What the page's list shows: everything but the picture."""
        return {name: getattr(self, name) for name in ("number", "mode", "seconds", "state", "reason")}


class FlameGraphs:
    """on_drawn: called whenever another process has drawn one."""

    def __init__(self, agent: AgentClient, locust_loads: LocustLoads, on_drawn: Callable[[], None]) -> None:
        self._agent = agent
        self._loads = locust_loads
        self._on_drawn = on_drawn
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
        if any(one.mode == command.mode and one.state == "recording" for one in self._kept):
            raise UserError(f"a flame graph of {command.mode} is being recorded: wait")
        current = self._loads.current
        load = current if current is not None and command.mode in current.modes else None
        first = load.edge(command.mode) if load else None
        self._agent.record(command.mode, command.seconds)
        flame = FlameGraph(next(self._numbers), command.mode, command.seconds)
        self._kept.append(flame)

        def follow() -> None:
            try:
                recording = self._recorded(flame)
                flame.content, flame.reason = recording.svg, recording.reason
                if load is not None and first is not None and self._loads.current is load:
                    load.profiled(flame.mode, first, recording)
                    if recording.state == "done":
                        self._record_deeply(flame, load)
            except (UserError, KeyError) as error:  # KeyError: the server has ended meanwhile
                flame.reason = f"not saved in the run: {error}"
            finally:
                flame.state = "done" if flame.content else "failed"

        gevent.spawn(follow)

    def _recorded(self, flame: FlameGraph) -> Recording:
        try:
            return wait_for_recording(self._agent, flame.mode, flame.seconds)
        except UserError as error:  # the server was stopped, or the agent ended
            return Recording("failed", reason=str(error))

    def _record_deeply(self, flame: FlameGraph, load: RecordedLoad) -> None:
        """Down into the kernel, with the Python lines that py-spy saw just before. Raises UserError, KeyError."""
        self._agent.record(flame.mode, flame.seconds, deep=True)
        first = load.edge(flame.mode)
        gevent.sleep(flame.seconds)
        last = load.edge(flame.mode)
        recording = self._recorded(flame)
        if self._loads.current is not load:
            flame.reason = "Python frames only: the load ended while perf recorded"
            return
        profile = load.profiled_deeply(flame.mode, (first, last), recording)
        refused = profile.reason or self._draw(flame, load.folder.path)
        flame.reason = f"Python frames only: {refused}" if refused else ""

    def _draw(self, flame: FlameGraph, run: Path) -> str:
        """Have the report's package draw it; why it could not, in one line."""
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "flames.html"
            failed = run_module("reports.flames", str(run.resolve()), flame.mode, str(page))
            self._on_drawn()
            if not failed:
                flame.content, flame.kind = page.read_text(encoding="utf-8"), "html"
            return failed
