"""perf attached to a server: stacks that go down into the kernel.

Its rule: it is attached before there is a connection and counts only when told to, since `perf record -p` loses the
threads that are made in its first 180 ms. What it costs is paid in a pass of its own, never scored (method.md §1).

Stacks are unwound from copies of the stack (--call-graph dwarf), since common builds of Python keep no frame pointers.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from errors import UserError
from profiles.profilers import folded_stacks
from profiles.profilers.py_spy import runs_python, source_folders
from profiles.protocol import Recording
from profiles.scratch import Scratch
from profiles.targets.catalog import PROJECT

RATE_HZ = 199  # no divisor of the scheduler's ticks
_STACK_BYTES = 8192
_FIELDS = "comm,pid,tid,time,ip,sym,dso"


class Perf:
    """One recording of the processes of a server: attached at once, begun by begin(), over when result() says so.

    What takes perf a while (writing, then printing its stacks) are processes of their own that result() looks at.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._scratch = Scratch()
        for pid in pids:
            self._scratch.claim(Path(f"/tmp/perf-{pid}.map"))  # the trampoline's, which perf looks for there
        self._began_s = self._until_s = self._counted_s = 0.0
        self._sampled = ""
        self._python = any(runs_python(pid) for pid in pids)
        self._folders = sorted({folder for pid in pids for folder in source_folders(pid)})
        self._perf: ControlledPerf | None = None
        self._script: subprocess.Popen[bytes] | None = None
        self._reason: str | None = None
        command = ["record", "-q", "-e", "cpu-clock", "-F", str(RATE_HZ), "--call-graph", f"dwarf,{_STACK_BYTES}"]
        with (self._scratch.path / "log").open("wb") as log:
            try:
                self._perf = ControlledPerf(
                    [*command, "-p", ",".join(map(str, pids)), "-o", str(self._scratch.path / "data")], log
                )
            except UserError as error:
                self._reason = str(error)
        self._tell(b"disable")  # answered when it is attached: threads that are made before would be lost

    def begin(self, seconds: float, sampled: str) -> None:
        """Count from now on, for so long. sampled: py-spy's folded stacks, to join Python frames from."""
        self._sampled = sampled
        self._tell(b"enable")
        self._began_s = time.monotonic()
        self._until_s = self._began_s + seconds

    def _tell(self, order: bytes) -> None:
        if self._perf is not None and self._reason is None and not self._perf.tell(order):
            self._reason = f"perf could not record: {self._last_line()}; {REMEDY}"

    def result(self) -> Recording:
        """The recording as it stands: its folded stacks once it is over; then its files are gone."""
        if self._reason is not None or self._perf is None:
            return self._over(Recording("failed", reason=self._reason or "perf was not started"))
        if self._script is not None:
            if self._script.poll() is None:
                return Recording("recording")
            return self._over(self._folded())
        if time.monotonic() >= self._until_s and self._until_s:
            self._until_s = 0.0
            self._perf.tell(b"disable")
            self._counted_s = time.monotonic() - self._began_s
            self._perf.process.send_signal(signal.SIGINT)
        if self._perf.process.poll() is not None:
            self._print_stacks()
        return Recording("recording")

    def kill(self) -> None:
        """End it at once, and remove its files."""
        for process in (self._perf, self._script):
            if isinstance(process, ControlledPerf):
                process.close()
            elif process is not None:
                process.kill()
                process.wait()
        self._scratch.close()

    def _print_stacks(self) -> None:
        command = ["perf", "script", "--no-inline", "-F", _FIELDS, "-i", str(self._scratch.path / "data")]
        with (self._scratch.path / "script").open("wb") as out, (self._scratch.path / "log").open("ab") as log:
            self._script = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=log)

    def _folded(self) -> Recording:
        with (self._scratch.path / "script").open(errors="replace") as script:
            found = folded_stacks.counted(folded_stacks.read_perf(script, PROJECT))
        if not found:
            return Recording("failed", reason=f"perf saw nothing: {self._last_line()}; {REMEDY}")
        if not any(frame.endswith(folded_stacks.KERNEL) for stack in found for frame in stack):
            return Recording("failed", reason=f"perf was shown no frames of the kernel; {REMEDY}")
        trampoline = any(frame.endswith(folded_stacks.PYTHON) for stack in found for frame in stack)
        sampled = folded_stacks.read_folded(self._sampled)
        folded = folded_stacks.joined(found, sampled, self._source_line) if self._python else found
        return Recording(
            "done",
            raw=folded_stacks.write_folded(folded),
            rate_hz=RATE_HZ,
            counted_s=self._counted_s,
            python="trampoline" if trampoline else "joined" if self._sampled else None,
        )

    def _source_line(self, frame: str) -> str:
        return folded_stacks.source_line(frame, PROJECT, *self._folders)

    def _last_line(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._scratch.path / "log").read_text(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        return "its log cannot be read"

    def _over(self, recording: Recording) -> Recording:
        self.kill()
        return recording


ACK_TIMEOUT_S = 10.0


REMEDY = (
    "run as root, give it the capability PERFMON, or set sysctl kernel.perf_event_paranoid=1, kernel.kptr_restrict=0"
)


class ControlledPerf:
    """A perf that was started disabled. process: its process. Raises UserError where perf is not installed."""

    def __init__(self, arguments: Sequence[str], stderr: int | IO[bytes]) -> None:
        if shutil.which("perf") is None:
            raise UserError("perf is not installed (Debian: linux-perf)")
        (orders, self._orders), (self._answers, answers) = os.pipe(), os.pipe()
        self.process = subprocess.Popen(
            ["perf", *arguments, "-D", "-1", f"--control=fd:{orders},{answers}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            pass_fds=(orders, answers),
            start_new_session=True,
        )
        os.close(orders)
        os.close(answers)

    def tell(self, order: bytes) -> bool:
        """Give an order ("enable", "disable"); whether perf has carried it out, rather than ended."""
        try:
            os.write(self._orders, order + b"\n")
        except BrokenPipeError:
            return False
        ready, _, _ = select.select([self._answers], [], [], ACK_TIMEOUT_S)
        return bool(ready and os.read(self._answers, 16))

    def close(self) -> None:
        """End perf, if it has not ended, and give back the pipes."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._orders)
        os.close(self._answers)
