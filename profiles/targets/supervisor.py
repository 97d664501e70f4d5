"""Starts and ends the servers of all targets, at most one of each name, and knows which ones run.

Its rule: a server goes by its target's name, or by TARGET@… beside others of the same target (variants.py). No server
outlives its supervisor (mode_server.py, external_server.py).
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from errors import UserError
from profiles.metrics import cpu_speed
from profiles.metrics.process import Reader
from profiles.protocol import Start, TargetStatus
from profiles.targets.catalog import Target
from profiles.targets.external_server import ExternalServer
from profiles.targets.mode_server import HOST, ModeServer
from profiles.targets.variants import target_of

AT_ONCE = 4

ManagedServer = ModeServer | ExternalServer


class Supervisor:
    """The servers of the targets. host: where the modes that start from now on listen."""

    def __init__(self, targets: dict[str, Target], root: Path) -> None:
        self.host = HOST
        self._targets = targets
        self._root = root
        self._servers: dict[str, ManagedServer] = {}
        self._last_cpus: tuple[int, ...] = ()
        self._lifeline, self._held = os.pipe()

    def start(self, wanted: Start) -> TargetStatus:
        """Start a target's server and wait until it is ready. Raises UserError."""
        self._last_cpus = wanted.cpus
        cpu_probe_us = cpu_speed.cpu_probe_us(self._last_cpus)
        self._start(wanted)
        return replace(self.status(wanted.runs_as), cpu_probe_us=cpu_probe_us)

    def start_all(self, wanted: list[Start]) -> list[TargetStatus]:
        """Several at the same time, on as many CPUs as there are. Where one does not start, none is left."""
        self._last_cpus = wanted[0].cpus if wanted else ()
        cpu_probe_us = cpu_speed.cpu_probe_us(self._last_cpus)
        groups: dict[str, list[Start]] = {}
        for one in wanted:  # those that one process serves are started in turn
            groups.setdefault(self.target(one.target).facts.process or one.runs_as, []).append(one)
        started: list[str] = []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            starting = [pool.submit(self._start_in_turn, group, started) for group in groups.values()]
        for error in filter(None, (future.exception() for future in starting)):
            self.stop_all(started)
            raise error
        return [replace(self.status(one.runs_as), cpu_probe_us=cpu_probe_us) for one in wanted]

    def _start_in_turn(self, group: list[Start], started: list[str]) -> None:
        for one in group:
            self._start(one)
            started.append(one.runs_as)

    def _start(self, wanted: Start) -> None:
        name = wanted.runs_as
        target = self.target(wanted.target)
        if target_of(name) != target.name:
            raise UserError(f"a server of {target.name} is not called {name!r}, but {target.name} or {target.name}@…")
        if name in self._servers:
            if self._servers[name].running():
                raise UserError(f"{name} runs already, as process {self._servers[name].pid}: stop it first")
            self._servers.pop(name).end()
        target.check(wanted.options)
        if target.external is not None:
            self._servers[name] = ExternalServer(
                target, wanted, self._root, self.host, self._beside(target), self._ports_beside(target)
            )
        else:
            self._servers[name] = ModeServer(target, wanted, self._root, self.host, self._lifeline)

    def _beside(self, target: Target) -> ExternalServer | None:
        """A server that runs already, whose process serves this target, too."""
        process = target.facts.process
        for name, server in list(self._servers.items()) if process else ():
            same = self.target(target_of(name)).facts.process == process
            if same and isinstance(server, ExternalServer) and server.running():
                return server
        return None

    def _ports_beside(self, target: Target) -> dict[str, int]:
        """Where the other targets of its process will listen, by their names."""
        process = target.facts.process
        others = (each for each in self._targets.values() if process and each.facts.process == process)
        return {each.name: each.facts.port for each in others if each is not target}

    def stop(self, name: str) -> TargetStatus:
        """End a server, by force if it does not end by itself. Does nothing where none runs."""
        return self.stop_all([name])[0]

    def stop_all(self, names: list[str]) -> list[TargetStatus]:
        """Several at the same time."""
        for name in names:
            self.target(target_of(name))
        for name in names:
            if name in self._servers:
                self._servers[name].ask_to_end()
        lines = {name: self._servers.pop(name).end() if name in self._servers else "" for name in names}
        probe_us = cpu_speed.cpu_probe_us(self._last_cpus)
        return [
            TargetStatus(name, "stopped", last_stderr_line=line, cpu_probe_us=probe_us) for name, line in lines.items()
        ]

    def close(self) -> None:
        """End all of them."""
        self.stop_all(list(self._servers))

    def status(self, name: str) -> TargetStatus:
        server = self._servers.get(name)
        if server is None:
            self.target(target_of(name))
            return TargetStatus(name, "stopped")
        return TargetStatus(
            name=name,
            state="running" if server.running() else "dead",
            host=server.host,
            port=server.port,
            pid=server.pid,
            congestion_control=server.congestion_control,
            last_stderr_line=server.last_stderr_line(),
        )

    def running(self) -> dict[str, Reader]:
        """The readers of the servers that were running when last looked at."""
        return {name: server.reader for name, server in list(self._servers.items())}

    def pids(self, name: str) -> tuple[int, ...]:
        """The processes of a server, parents first. Raises UserError when it does not run."""
        status = self.status(name)
        if status.state != "running":
            raise UserError(f"{name} is {status.state}: start it before recording a flame graph")
        return self._servers[name].pids

    def target(self, name: str) -> Target:
        """Raises UserError for an unknown name."""
        if name not in self._targets:
            raise UserError(f"there is no target {name!r}: the targets are {', '.join(self._targets)}")
        return self._targets[name]
