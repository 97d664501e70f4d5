"""What records the servers in the profile pass: py-spy, or perf with the stacks that py-spy saw just before.

Its rule: a server is recorded by one profiler at a time, and none outlives the server that it watches.
"""

from collections.abc import Sequence

from errors import UserError
from profiles.profilers.perf import Perf
from profiles.profilers.py_spy import PySpy, first_python
from profiles.protocol import Recording

MOST_SECONDS = 3600


class Recordings:
    """The recordings of all targets, each begun once and fetched once."""

    def __init__(self) -> None:
        self._attached: dict[str, Perf] = {}
        self._begun: dict[str, PySpy | Perf] = {}
        self._sampled: dict[str, str] = {}  # py-spy's stacks, to join perf's with

    def attach(self, target: str, pids: Sequence[int]) -> None:
        """Attach perf to the processes of a server that has just been started; nothing is counted yet."""
        self._attached[target] = Perf(pids)

    def begin(self, target: str, pids: Sequence[int], seconds: int) -> None:
        """Record from now on: with perf where that is attached, else with py-spy. Raises UserError.

        pids: the server's, parents first. py-spy records the first of them that runs Python, and its children.
        """
        if not 1 <= seconds <= MOST_SECONDS:
            raise UserError(f"a recording of {seconds} s is refused: 1 to {MOST_SECONDS} whole seconds can be recorded")
        if target in self._begun:
            raise UserError(f"a flame graph of {target} is being recorded: fetch it first")
        perf = self._attached.pop(target, None)
        if perf is None:
            self._begun[target] = PySpy(first_python(pids), seconds, target, subprocesses=len(pids) > 1)
            return
        self._begun[target] = perf
        perf.begin(seconds, self._sampled.get(target, ""))

    def result(self, target: str) -> Recording:
        """The recording as it stands; once it is over, it is given back and forgotten. Raises UserError."""
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
        """The target's server ends: so does what watches it."""
        for recorder in (self._attached.pop(target, None), self._begun.pop(target, None)):
            if recorder is not None:
                recorder.kill()

    def close(self) -> None:
        for target in {*self._attached, *self._begun}:
            self.end(target)
