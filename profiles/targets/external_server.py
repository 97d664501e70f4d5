"""A guest's server: started for this cell and stopped after it, or found running and only measured.

Its rule: what we started ends with us, to the last process (profiles/targets/reaper.py); what we found is never touched.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from errors import UserError
from profiles.metrics.process_tree import TreeReader
from profiles.protocol import Start
from profiles.scratch import Scratch
from profiles.targets.attach import find_running
from profiles.targets.catalog import Target
from profiles.targets.congestion_control import CHOICES, congestion_control, set_congestion_control
from profiles.targets.external import Placeholders
from profiles.targets.http_probe import ASK_TIMEOUT_S, Endpoint, get
from profiles.targets.mode_server import HOST
from profiles.targets.process_helpers import free_port, last_line, listeners, refuse_busy
from profiles.targets.reaper import KILLED_MESSAGE

STEP_S = 0.01
KILL_TIMEOUT_S = 10.0
# Debian puts servers where only root looks.
_PATH = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin"}


class ExternalServer:
    """Ready once it is made. Raises UserError when it does not get there, and has left nothing behind then.

    host: where our modes listen; so does a guest that {host} is filled in for, once that is not loopback any more.
    """

    def __init__(self, target: Target, wanted: Start, root: Path, host: str = HOST) -> None:
        assert target.guest is not None
        self._name, self._guest = target.name, target.guest
        self.host = host if host != HOST and target.guest.uses("host") else target.guest.host
        self._keeper: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._scratch: Scratch | None = None
        self._lifeline = -1
        self.port = self._guest.port
        try:
            if self._guest.command:
                self._start(wanted, root)
            else:
                self.reader = TreeReader(find_running(self._name, self._guest))
            self.congestion_control = self._wait_until_ready()
            self.pid = self.pids[0]
        except BaseException:
            self.end()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes when they were read last, its first one first."""
        return self.reader.pids

    def running(self) -> bool:
        if self._keeper is None:
            return self.reader.pid in self.reader.alive()
        return self._keeper.poll() is None

    def last_stderr_line(self) -> str:
        said = last_line(self._log) if self._log else ""
        return said or ("" if self.running() else self._how_it_ended())

    def ask_to_end(self) -> None:
        """Tell its keeper to stop it; of what was found, nothing."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def end(self) -> str:
        """Stop what was started, by force after its grace; what there is to say of that. Safe to call twice."""
        self.ask_to_end()
        said = ""
        if self._keeper is not None:
            try:
                self._keeper.wait(2 * self._guest.stop_within_s + KILL_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
            if self._keeper.returncode < 0:
                self._kill_left_over()
        if self._log is not None:
            words = last_line(self._log)
            said = words if KILLED_MESSAGE in words else ""
            self._log.close()
            self._log = None
        if self._scratch is not None:
            self._scratch.close()
        return said

    def _start(self, wanted: Start, root: Path) -> None:
        guest = self._guest
        if wanted.any_port and guest.uses("port"):
            self.port = free_port(self.host)
        refuse_busy(self._name, self.port)
        self._scratch = Scratch()
        filled = guest.filled(root, self.host, self.port, self._scratch.path)
        for name in guest.files:
            place = self._scratch.path / Path(name).name
            text = (guest.here / name).read_text(errors="surrogateescape")  # it need not be UTF-8
            place.write_text(filled(text), errors="surrogateescape")
        stop = guest.stop if isinstance(guest.stop, int) else signal.SIGTERM
        told = [str(int(stop)), str(guest.stop_within_s), ",".join(map(str, wanted.cpus))]
        told.append(json.dumps([filled(word) for word in guest.stop] if isinstance(guest.stop, tuple) else []))
        told.append(json.dumps([filled(word) for word in guest.command]))
        self._spawn(told, filled)
        assert self._keeper is not None
        self.reader = TreeReader(self._keeper.pid, keeper=True)

    def _spawn(self, told: list[str], filled: Placeholders) -> None:
        guest = self._guest
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by end()
        lifeline, self._lifeline = os.pipe()
        program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py")), str(lifeline)]
        try:
            self._keeper = subprocess.Popen(
                [*program, *told],
                cwd=guest.here / filled(guest.cwd),
                env=os.environ | _PATH | {name: filled(text) for name, text in guest.env.items()},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[lifeline],
                start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"{self._name} did not start: {error.filename}: {error.strerror}") from error
        finally:
            os.close(lifeline)

    def _wait_until_ready(self) -> str:
        """Until it answers with 200; the congestion control that it answered with. Raises UserError."""
        guest = self._guest
        place = Endpoint(self.host, self.port, guest.path, guest.tls)
        until_s = time.monotonic() + guest.ready_within_s
        while True:
            if not self.running():
                raise UserError(f"{self._name} did not start: {self.last_stderr_line()}")
            left_s = until_s - time.monotonic()
            in_the_way, control = self._ask(place, min(max(left_s, STEP_S), ASK_TIMEOUT_S))
            if in_the_way is None:
                return self._made_equal(place, control)
            if left_s <= 0 or not guest.command:
                after = f" after {guest.ready_within_s:g} s" if guest.command else ""
                words = f" ({said})" if (said := self.last_stderr_line()) else ""
                remedy = "raise ready_within_s, or correct address" if guest.command else "start it, or correct address"
                raise UserError(f"{self._name}: {place}: {in_the_way}{after}{words}; {remedy}")
            time.sleep(STEP_S)

    def _ask(self, place: Endpoint, timeout_s: float) -> tuple[str | None, str]:
        """What is in the way of its being ready, None when nothing is; and its congestion control, if so."""
        try:
            with get(place, timeout_s) as answer:
                if answer.status == http.client.OK:
                    self._check_it_is_ours()
                    return None, congestion_control(self.port)
                status = answer.status
        except ConnectionRefusedError:
            return "nothing listens there", ""
        except (OSError, http.client.HTTPException) as error:
            return f"it does not answer: {error or type(error).__name__}", ""
        if status < http.client.INTERNAL_SERVER_ERROR:  # above it may only not be ready yet
            raise UserError(f"{self._name}: {place}: it answers {status}; correct path, or the folder that it serves")
        return f"it answers {status}", ""

    def _made_equal(self, place: Endpoint, control: str) -> str:
        """The congestion control that is in force after what we started was asked to use ours."""
        if self._keeper is None or control == CHOICES[0]:
            return control
        set_congestion_control(self.pids, self.port)
        return self._ask(place, ASK_TIMEOUT_S)[1]

    def _check_it_is_ours(self) -> None:
        """A command that asks somebody else to serve (docker run, systemctl) is not what would have to be measured."""
        try:
            self.reader.read()
        except ProcessLookupError as error:
            raise UserError(f"{self._name} ended: {self.last_stderr_line() or 'it left no words'}") from error
        others = {pid for pid in listeners(self.port) if pid is not None}
        if self._guest.command and others and others.isdisjoint(self.pids):
            raise UserError(
                f"{self._name}: process {min(others)} listens on port {self.port}, and its command did not start that: "
                f"name it by pid or container"
            )

    def _kill_left_over(self) -> None:
        """What its keeper, killed itself, could not stop any more; as far as it was seen."""
        for pid in self.reader.alive() if hasattr(self, "reader") else ():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _how_it_ended(self) -> str:
        return f"exit code {self._keeper.returncode}" if self._keeper is not None else "its process has gone"


@contextmanager
def serving(target: Target, root: Path, wanted: Start) -> Iterator[ExternalServer]:
    """A guest that is ready; stopped at the end, if it was started. Raises UserError."""
    server = ExternalServer(target, wanted, root)
    try:
        yield server
    finally:
        server.end()
