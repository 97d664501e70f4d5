"""The server of an external target: started for a cell and stopped after it, or found running and only measured.

What we started ends with us (profiles/targets/external_process.py); what we found is never touched.
"""

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from errors import UserError
from ports import listeners, listening, wait_until_free
from profiles.metrics.process_tree import TreeReader
from profiles.protocol import Start
from profiles.targets.attach import find_running
from profiles.targets.catalog import Target
from profiles.targets.congestion_control import CHOICES, congestion_control, set_congestion_control
from profiles.targets.external_process import ExternalProcess
from profiles.targets.http_probe import PROBE_TIMEOUT_S, Endpoint, get, redirection, unfit
from profiles.targets.mode_server import HOST
from profiles.targets.process_helpers import free_port, refuse_busy

_STEP_S = 0.01


class ExternalServer:
    """Ready once it is made. Raises UserError when it does not get there, and leaves nothing behind then.

    host: where our modes listen; a target that uses {host} listens there too, once that is not loopback any more.
    beside: the server of another target that has the same process (run_facts.TargetFacts.process). more_ports: that the
    process will listen on, by target.
    """

    def __init__(
        self,
        target: Target,
        wanted: Start,
        root: Path,
        host: str = HOST,
        beside: "ExternalServer | None" = None,
        more_ports: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        assert target.external is not None
        self._name, self._external = wanted.runs_as, target.external
        self.host = host if host != HOST and target.external.uses("host") else target.external.host
        self.port = target.external.port
        self._process = beside.share_process() if beside else self._start(wanted, root, more_ports)
        self._has_left = False
        try:
            self.reader = (
                self._process.reader() if self._process else TreeReader(find_running(self._name, self._external))
            )
            is_tls, protocol = self._external.tls is not None, self._external.protocol
            self._endpoint = Endpoint(self.host, self.port, self._external.path, is_tls, protocol)
            self.congestion_control = self._wait_until_ready()
            if self._process is not None and self.congestion_control != CHOICES[0]:
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
        if self._process is None:
            return self.reader.pid in self.reader.alive()
        return self._process.running()

    def last_stderr_line(self) -> str:
        """The end of what it wrote, or how it ended."""
        if line := self._process.last_line() if self._process else "":
            return line
        if self.running():
            return ""
        return self._process.how_it_ended() if self._process else "its process has gone"

    def share_process(self) -> ExternalProcess | None:
        """For a server beside this one; None where it was found and not started."""
        if self._process is not None:
            self._process.share()
        return self._process

    def ask_to_end(self) -> None:
        """Let go of what was started; a server that was found is left alone."""
        if self._process is not None and not self._has_left:
            self._process.leave()
            self._has_left = True

    def end(self) -> str:
        """Stop what was started, unless another target still has it; says so if it had to be killed. Safe to call
        twice."""
        self.ask_to_end()
        return self._process.end() if self._process else ""

    def _start(self, wanted: Start, root: Path, more_ports: Mapping[str, int]) -> ExternalProcess | None:
        """None for a server that is not ours to start."""
        external = self._external
        if not external.command:
            return None
        if wanted.any_port and external.uses("port"):
            self.port = free_port(self.host)
        refuse_busy(self._name, self.port)
        ports = {self._name: self.port, **more_ports}
        wait_until_free(ports, self.host, shared=external.protocol == "http")
        return ExternalProcess(self._name, external, root, (self.host, self.port), wanted.cpus)

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
        return "raise ready_within_s in a targets.toml (`make target` writes one), or correct address"

    def _why_it_ended(self) -> str:
        """What its command did not do, or where it was started, which may be why; empty where neither is telling."""
        if self._process is None:
            return ""
        if self._process.ended_well():
            return "; its command has to run, or leave a process running, until it is stopped"
        if not self._process.found():
            return "; install it, or give its path in full"
        if self._external.cwd == "{root}":
            return "; it was started in the served folder: give its paths in full, or {root} in its command"
        return ""

    def _probe(self, timeout_s: float) -> tuple[str | None, str]:
        """Why it is not ready, or None; its congestion control, if it is. Raises UserError where it never will be."""
        if self._endpoint.protocol == "raw":
            return self._probe_raw()
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
            if status == http.client.FORBIDDEN:
                raise UserError(f"{where}: it answers 403; let its user read the served folder, or correct path")
            raise UserError(
                f"{where}: it answers {status}; correct path, or the folder that it serves{self._root_hint()}"
            )
        return f"it answers {status}", ""

    def _probe_raw(self) -> tuple[str | None, str]:
        """Whether it listens (raw_probe.py says why no more). Of a container's ports we see none."""
        if self._external.container is None and not listeners(self.port):
            return "nothing listens there", ""
        self._check_it_is_ours()
        return None, congestion_control(self.port)

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


@contextmanager
def serving(target: Target, root: Path, wanted: Start) -> Iterator[ExternalServer]:
    """A server that is ready; stopped at the end, if it was started. Raises UserError."""
    server = ExternalServer(target, wanted, root)
    try:
        yield server
    finally:
        server.end()
