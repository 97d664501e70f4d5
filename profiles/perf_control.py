"""Telling a running perf when to count: its --control pipes, perf-record(1), perf-stat(1).

Its rule: perf starts disabled (-D -1), and an order is carried out when tell() returns.
"""

import os
import select
import shutil
import subprocess
from collections.abc import Sequence
from typing import IO

from errors import UserError

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
