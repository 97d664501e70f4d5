"""The server of an external target: started for a cell and stopped after it, or found running and only measured.

What we started ends with us, to the last process (profiles/targets/reaper.py); what we found is never touched.
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

from errors import UserError
from ports import listeners, listening
from profiles.metrics.process_tree import TreeReader
from profiles.protocol import Start
from profiles.scratch import Scratch
from profiles.targets.attach import find_running
from profiles.targets.catalog import Target
from profiles.targets.congestion_control import CHOICES, congestion_control, set_congestion_control
from profiles.targets.external import LINK_TO_ROOT
from profiles.targets.http_probe import PROBE_TIMEOUT_S, Endpoint, get, redirection, unfit
from profiles.targets.mode_server import HOST
from profiles.targets.process_helpers import Ending, free_port, last_line, refuse_busy, wait_or_kill
from profiles.targets.reaper import KILLED_MESSAGE, NOT_FOUND, SIGNALLED

_STEP_S = 0.01
_KILL_TIMEOUT_S = 10.0
# Debian puts servers where only root looks.
_PATH = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin"}


class ExternalServer:
    """Ready once it is made. Raises UserError when it does not get there, and leaves nothing behind then.

    host: where our modes listen; a target that uses {host} listens there too, once that is not loopback any more.
    """

    def __init__(self, target: Target, wanted: Start, root: Path, host: str = HOST) -> None:
        assert target.external is not None
        self._name, self._external = wanted.runs_as, target.external
        self.host = host if host != HOST and target.external.uses("host") else target.external.host
        self.port = target.external.port
        self._reaper: subprocess.Popen[bytes] | None = None
        self._lifeline = -1
        self._ending = Ending()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - end() closes it
        self._scratch = Scratch()
        try:
            if self._external.command:
                self._start(wanted, root)
            else:
                self.reader = TreeReader(find_running(self._name, self._external))
            self._endpoint = Endpoint(self.host, self.port, self._external.path, self._external.tls is not None)
            self.congestion_control = self._wait_until_ready()
            if self._reaper is not None and self.congestion_control != CHOICES[0]:
                set_congestion_control(self.pids, self.port)
                self.congestion_control = self._probe(PROBE_TIMEOUT_S)[1]
            self.pid = self.pids[0]
        except BaseException:
            self.end()
            raise

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes of the last reading, the first one first."""
        return self.reader.pids

    def current_pids(self) -> tuple[int, ...]:
        """The processes now. Raises UserError when all have ended."""
        try:
            self.reader.read()
        except ProcessLookupError as error:
            raise UserError(f"{self._name} ended: {self.last_stderr_line() or 'it printed nothing'}") from error
        return self.pids

    def running(self) -> bool:
        if self._reaper is None:
            return self.reader.pid in self.reader.alive()
        return self._reaper.poll() is None

    def last_stderr_line(self) -> str:
        """The end of what it wrote, or how it ended."""
        if line := self._last_line():
            return line
        if self.running():
            return ""
        if self._reaper is None:
            return "its process has gone"
        code = self._reaper.returncode
        return self._ending.describe(SIGNALLED - code if code > SIGNALLED else code)

    def ask_to_end(self) -> None:
        """Tell the reaper to stop the server; a server that was found is left alone."""
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def end(self) -> str:
        """Stop what was started, by force after its grace; says so if it had to. Safe to call twice."""
        self.ask_to_end()
        if self._reaper is not None:
            wait_or_kill(self._reaper, 2 * self._external.stop_within_s + _KILL_TIMEOUT_S)
            if self._reaper.returncode < 0:
                for pid in self.reader.alive():  # what the reaper, killed itself, could not stop any more
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
        line = self._last_line()
        self._log.close()
        self._scratch.close()
        return line if KILLED_MESSAGE in line else ""

    def _start(self, wanted: Start, root: Path) -> None:
        external = self._external
        if wanted.any_port and external.uses("port"):
            self.port = free_port(self.host)
        refuse_busy(self._name, self.port)
        expand = external.placeholders(root, self.host, self.port, self._scratch.path).expand
        (self._scratch.path / LINK_TO_ROOT).symlink_to(root.absolute())
        for name in external.files:
            text = (external.here / name).read_text(errors="surrogateescape")  # it need not be UTF-8
            (self._scratch.path / Path(name).name).write_text(expand(text), errors="surrogateescape")
        number, command = (external.stop, ()) if isinstance(external.stop, int) else (signal.SIGTERM, external.stop)
        arguments = [str(int(number)), str(external.stop_within_s), ",".join(map(str, wanted.cpus))]
        arguments += [json.dumps([expand(word) for word in words]) for words in (command, external.command)]
        environment = os.environ | _PATH | {name: expand(text) for name, text in external.env.items()}
        self._reaper = self._spawn(arguments, external.here / expand(external.cwd), environment)
        self.reader = TreeReader(self._reaper.pid, reaper=True)

    def _spawn(self, arguments: list[str], cwd: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """The reaper, which runs the command. Raises UserError."""
        lifeline, self._lifeline = os.pipe()
        program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py")), str(lifeline)]
        try:
            return subprocess.Popen(
                [*program, *arguments],
                cwd=cwd,
                env=environment,
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
        """Wait for a response with 200; the congestion control that it came with. Raises UserError."""
        external = self._external
        until_s = time.monotonic() + external.ready_within_s
        while True:
            if not self.running():
                raise UserError(f"{self._name} did not start: {self.last_stderr_line()}{self._why_it_ended()}")
            left_s = until_s - time.monotonic()
            obstacle, control = self._probe(min(max(left_s, _STEP_S), PROBE_TIMEOUT_S))
            if obstacle is None:
                return control
            if left_s <= 0 or not external.command:
                after = f" after {external.ready_within_s:g} s" if external.command else ""
                line = f" ({said})" if (said := self.last_stderr_line()) else ""
                raise UserError(f"{self._name}: {self._endpoint}: {obstacle}{after}{line}; {self._remedy()}")
            time.sleep(_STEP_S)

    def _remedy(self) -> str:
        """What to do about one that is not ready, and runs."""
        if not self._external.command:
            return "start it, or correct address"
        if self.port not in (elsewhere := listening(self.current_pids())) and elsewhere:
            where = " and ".join(map(str, elsewhere))
            return f"it listens on port {where} instead: put {{port}} where its port stands, or correct address"
        return "raise ready_within_s, or correct address"

    def _why_it_ended(self) -> str:
        """What its command did not do, or where it was started, which may be why; empty where neither is telling."""
        if self._reaper is not None and self._reaper.returncode == 0:
            return "; its command has to run, or leave a process running, until it is stopped"
        found = self._reaper is not None and self._reaper.returncode != NOT_FOUND
        return "; it was started in the served folder" if found and self._external.cwd == "{root}" else ""

    def _probe(self, timeout_s: float) -> tuple[str | None, str]:
        """Why it is not ready, or None; its congestion control, if it is. Raises UserError where it never will be."""
        try:
            with get(self._endpoint, timeout_s) as response:
                status, elsewhere = response.status, redirection(response)
                if status == http.client.OK:
                    self._check_it_is_ours()
                    if (reason := unfit(response)) is not None:
                        raise UserError(f"{self._name}: {self._endpoint}: {reason}")
                    return None, congestion_control(self.port)
        except ConnectionRefusedError:
            return "nothing listens there", ""
        except (OSError, http.client.HTTPException) as error:
            return f"it does not answer: {error or type(error).__name__}", ""
        if status < http.client.INTERNAL_SERVER_ERROR:  # from 500 on it may only not be ready yet
            where = f"{self._name}: {self._endpoint}"
            if elsewhere:
                raise UserError(f"{where}: it redirects to {elsewhere}: give the path that it redirects to")
            raise UserError(
                f"{where}: it answers {status}; correct path, or the folder that it serves{self._root_hint()}"
            )
        return f"it answers {status}", ""

    def _root_hint(self) -> str:
        """Where the command does not say which folder to serve."""
        says_root = any("{root}" in word for word in self._external.command)
        return " (put {root} where that stands)" if self._external.command and not says_root else ""

    def _check_it_is_ours(self) -> None:
        """A command that has another process serve (docker run, systemctl) would be measured instead of the server."""
        pids = self.current_pids()
        others = {pid for pid in listeners(self.port) if pid is not None}
        if self._external.command and others and others.isdisjoint(pids):
            raise UserError(
                f"{self._name}: process {min(others)} listens on port {self.port}, and its command did not start that: "
                f"name it by pid or container"
            )

    def _last_line(self) -> str:
        return "" if self._log.closed else last_line(self._log)


@contextmanager
def serving(target: Target, root: Path, wanted: Start) -> Iterator[ExternalServer]:
    """A server that is ready; stopped at the end, if it was started. Raises UserError."""
    server = ExternalServer(target, wanted, root)
    try:
        yield server
    finally:
        server.end()
