"""perf attached to a server: stacks that reach into the kernel.

perf is attached before there is a connection and counts only when told to, since `perf record -p` loses the threads
that are made in its first 180 ms. It records in a pass of its own, which is never scored (docs/method.md §1). Stacks
are unwound from copies of the stack (--call-graph dwarf), since common builds of Python keep no frame pointers.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import IO

from errors import UserError
from profiles.profilers import folded_stacks
from profiles.profilers.py_spy import runs_python, source_folders
from profiles.protocol import Recording
from profiles.scratch import Scratch
from profiles.targets.catalog import PROJECT

RATE_HZ = 997  # not a divisor of the scheduler's ticks; a share of 5 % is known to ±1.4 % after one second
REMEDY = (
    "run as root, give it the capability PERFMON, or set sysctl kernel.perf_event_paranoid=1, kernel.kptr_restrict=0"
)
_ACK_TIMEOUT_S = 10.0
_STACK_BYTES = 8192
_FIELDS = "comm,pid,tid,time,ip,sym,dso"
_NO_DOWNLOADS = {"DEBUGINFOD_URLS": ""}  # some builds of perf fetch symbols, into ~/.cache


class ControlledPerf:
    """A perf process that starts disabled and takes orders. Raises UserError where perf is not installed."""

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
            env=os.environ | _NO_DOWNLOADS,
            start_new_session=True,
        )
        os.close(orders)
        os.close(answers)

    def tell(self, order: bytes) -> bool:
        """Give an order (b"enable", b"disable"); returns whether perf carried it out, rather than ended."""
        try:
            os.write(self._orders, order + b"\n")
        except BrokenPipeError:
            return False
        ready, _, _ = select.select([self._answers], [], [], _ACK_TIMEOUT_S)
        return bool(ready and os.read(self._answers, 16))

    def close(self) -> None:
        """Kill perf, if it has not ended, and close the pipes."""
        self.process.kill()
        self.process.wait()
        os.close(self._orders)
        os.close(self._answers)


class Perf:
    """A recording of a server's processes: attached at once, started by begin(), over when result() says so.

    perf takes a while to write its data, and then to print the stacks; result() looks at these processes and never
    waits for them.
    """

    def __init__(self, pids: Sequence[int]) -> None:
        self._scratch = Scratch()
        for pid in pids:
            self._scratch.claim(Path(f"/tmp/perf-{pid}.map"))  # the trampoline's; perf looks for it there
        self._began_s = self._until_s = self._counted_s = 0.0
        self._sampled = ""
        self._python = any(runs_python(pid) for pid in pids)
        self._folders = sorted({folder for pid in pids for folder in source_folders(pid)})
        self._perf: ControlledPerf | None = None
        self._script: subprocess.Popen[bytes] | None = None
        self._reason: str | None = None
        command = ["record", "-q", "-N", "-e", "cpu-clock", "-F", str(RATE_HZ), "--call-graph", f"dwarf,{_STACK_BYTES}"]
        command += ["-p", ",".join(map(str, pids)), "-o", str(self._scratch.path / "data")]
        with (self._scratch.path / "log").open("wb") as log:
            try:
                self._perf = ControlledPerf(command, log)
            except UserError as error:
                self._reason = str(error)
        self._tell(b"disable")  # perf answers once it is attached: threads that are made before would be lost

    def begin(self, seconds: float, sampled: str) -> None:
        """Count from now on, for so long. sampled: py-spy's folded stacks, for the Python frames."""
        self._sampled = sampled
        self._tell(b"enable")
        self._began_s = time.monotonic()
        self._until_s = self._began_s + seconds

    def _tell(self, order: bytes) -> None:
        if self._perf is not None and self._reason is None and not self._perf.tell(order):
            self._reason = f"perf could not record: {self._last_line()}; {REMEDY}"

    def result(self) -> Recording:
        """The recording as it stands. Once it is over, it has the folded stacks, and its files are removed."""
        if self._reason is not None or self._perf is None:
            return self._over(Recording("failed", reason=self._reason or "perf was not started"))
        if self._script is not None:
            return self._over(self._folded()) if self._script.poll() is not None else Recording("recording")
        if time.monotonic() >= self._until_s and self._until_s:
            self._until_s = 0.0
            self._perf.tell(b"disable")
            self._counted_s = time.monotonic() - self._began_s
            self._perf.process.send_signal(signal.SIGINT)
        if self._perf.process.poll() is not None:
            self._print_stacks()
        return Recording("recording")

    @property
    def has_counted(self) -> bool:
        return self._counted_s > 0

    def kill(self) -> None:
        if self._perf is not None:
            self._perf.close()
        if self._script is not None:
            self._script.kill()
            self._script.wait()
        self._scratch.close()

    def _print_stacks(self) -> None:
        command = ["perf", "script", "--no-inline", "-F", _FIELDS, "-i", str(self._scratch.path / "data")]
        with (self._scratch.path / "script").open("wb") as out, (self._scratch.path / "log").open("ab") as log:
            self._script = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=os.environ | _NO_DOWNLOADS
            )

    def _folded(self) -> Recording:
        with (self._scratch.path / "script").open(errors="replace") as script:
            found = folded_stacks.counted(folded_stacks.read_perf(script, PROJECT))
        if not found:
            return Recording("failed", reason=f"perf saw nothing: {self._last_line()}; {REMEDY}")
        frames = {frame for stack in found for frame in stack}
        if not any(frame.endswith(folded_stacks.KERNEL) for frame in frames):
            return Recording("failed", reason=f"perf saw no kernel frames; {REMEDY}")
        trampoline = any(frame.endswith(folded_stacks.PYTHON) for frame in frames)
        line_of = partial(folded_stacks.source_line, folders=(PROJECT, *self._folders))
        sampled = folded_stacks.read_folded(self._sampled)
        folded = folded_stacks.joined(found, sampled, line_of) if self._python else found
        return Recording(
            "done",
            raw=folded_stacks.write_folded(folded),
            rate_hz=RATE_HZ,
            counted_s=self._counted_s,
            python="trampoline" if trampoline else "joined" if self._sampled else None,
        )

    def _last_line(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self._scratch.path / "log").read_text(errors="replace").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
        return "its log cannot be read"

    def _over(self, recording: Recording) -> Recording:
        self.kill()
        return recording
