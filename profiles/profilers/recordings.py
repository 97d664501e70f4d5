"""The recordings of the profile pass: by py-spy, or by perf, which is joined with the stacks that py-spy saw before.

A server is recorded by one profiler at a time, and no profiler outlives its server.
"""

from collections.abc import Sequence

from errors import UserError
from profiles.profilers.perf import Perf
from profiles.profilers.py_spy import PySpy, first_python
from profiles.protocol import Recording

LEAST_SECONDS, MOST_SECONDS = 0.1, 3600


class Recordings:
    """The recordings of all targets; each is begun once and fetched once."""

    def __init__(self) -> None:
        self._attached: dict[str, Perf] = {}
        self._begun: dict[str, PySpy | Perf] = {}
        self._sampled: dict[str, str] = {}  # py-spy's folded stacks

    def attach(self, target: str, pids: Sequence[int]) -> None:
        """Attach perf to the processes of a server that has just started; it counts nothing yet."""
        self._attached[target] = Perf(pids)

    def begin(self, target: str, pids: Sequence[int], seconds: float, *, deep: bool = False) -> None:
        """Record from now on: with perf where it is attached, else with py-spy. Raises UserError.

        pids: parents first. py-spy records the first that runs Python, and its children. deep: attach perf now.
        """
        if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
            limits = f"{LEAST_SECONDS} to {MOST_SECONDS} seconds"
            raise UserError(f"a recording of {seconds:g} s is refused: {limits} can be recorded")
        if target in self._begun:
            raise UserError(f"a flame graph of {target} is being recorded: fetch it first")
        if deep:
            self.attach(target, pids)
        perf = self._attached.pop(target, None)
        if perf is None:
            self._begun[target] = PySpy(first_python(pids), seconds, target, subprocesses=len(pids) > 1)
            return
        self._begun[target] = perf
        perf.begin(seconds, self._sampled.get(target, ""))

    def result(self, target: str) -> Recording:
        """The recording as it stands; one that is over can be fetched once. Raises UserError."""
        if target not in self._begun:
            raise UserError(f"no flame graph of {target!r} is being recorded")
        recorder = self._begun[target]
        recording = recorder.result()
        if recording.state != "recording":
            del self._begun[target]
        if recording.state == "done" and isinstance(recorder, PySpy):
            self._sampled[target] = recording.raw
        return recording

    def end(self, target: str) -> None:
        """End what records a target, as its server ends. perf that has counted goes on to write its data."""
        for recorders in (self._attached, self._begun):
            recorder = recorders.get(target)
            if recorder is not None and not (isinstance(recorder, Perf) and recorder.has_counted):
                recorders.pop(target).kill()

    def close(self) -> None:
        for recorder in (*self._attached.values(), *self._begun.values()):
            recorder.kill()
        self._attached, self._begun = {}, {}
