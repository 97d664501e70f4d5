"""The servers that run while no campaign does: one per target, idle until somebody loads it.

Its rule: a server that does not start is shown like one that died, with its error. In a campaign only the server under
measurement runs, so these stop for it and start again afterwards.
"""

import contextlib
import time
from collections.abc import Iterable
from dataclasses import replace

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.readiness import missing_reason
from load.served_files import ServedLink, too_large
from load.users.locust_users import DownloadUser
from load.users.meter import Meter
from profiles.protocol import Facts, FileState, Start, TargetStatus
from units import exact_size

FRESH_S = 0.4  # how long a status is reused, however many ask


class IdleServers:
    """user_classes: by class name; their addresses are kept up to date. facts: of the agent, with the file as it is
    served now. missing: modes that this machine lacks, each with its server's reason; these have no server. link: what
    the agent serves; None for a folder in which no file is ours to make."""

    def __init__(
        self,
        agent: AgentClient,
        user_classes: dict[str, type[DownloadUser]],
        any_port: bool,
        link: ServedLink | None = None,
    ) -> None:
        self.agent = agent
        self._link = link
        self._classes = {user_class.target: user_class for user_class in user_classes.values()}
        self._any_port = any_port
        self._refused: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._statuses: list[TargetStatus] = []
        self._answered_s = 0.0
        self._changes = 1  # starts and stops of servers
        self._seen_changes = 0
        self.facts: Facts = agent.facts()
        self._set_expected_size(self.facts)

    @property
    def modes(self) -> tuple[str, ...]:
        return tuple(self._classes)

    def meter(self, mode: str) -> Meter:
        return self._classes[mode].meter

    def user_class(self, mode: str) -> type[DownloadUser]:
        return self._classes[mode]

    def start(self, mode: str) -> TargetStatus:
        """Start a server, or restart it. Raises UserError when it does not start."""
        self.agent.stop(mode)  # a dead one may have left something behind
        try:
            # Prepared for py-spy, so that a flame graph can be recorded at any time: nothing is scored here.
            status = self.agent.start(Start(mode, any_port=self._any_port, profiler="py-spy"))
        except UserError as error:
            self._refused[mode] = str(error)
            raise
        finally:
            self._changes += 1
        self._refused.pop(mode, None)
        user_class = self._classes[mode]
        user_class.address = (status.host, status.port)
        user_class.host = user_class.url()  # as Locust's form shows it
        self.missing.pop(mode, None)
        if reason := missing_reason(user_class):
            self.missing[mode] = reason
            self.agent.stop(mode)
        return status

    def refuse_missing(self, modes: Iterable[str]) -> None:
        """Raises UserError for the first of them that is missing here."""
        for mode in modes:
            if mode in self.missing:
                raise UserError(f"{mode} is missing on this machine: {self.missing[mode]}")

    def start_all(self) -> None:
        """Start all; one that does not start is shown as dead."""
        for mode in self._classes:
            with contextlib.suppress(UserError):  # kept in _refused, and shown
                self.start(mode)

    def stop_all(self) -> None:
        for mode in self._classes:
            self.agent.stop(mode)
        self._changes += 1

    def statuses(self) -> list[TargetStatus]:
        """Raises UserError when the agent does not answer."""
        if self._seen_changes != self._changes or time.monotonic() - self._answered_s > FRESH_S:
            changes = self._changes
            # Others may ask while the agent answers: none of them gets the old statuses.
            own = [
                status for status in self.agent.statuses() if status.name in self._classes
            ]  # not a campaign's variants
            self._statuses = [self._with_refusal(status) for status in own]
            self._seen_changes, self._answered_s = changes, time.monotonic()
        return self._statuses

    def serve(self, size_bytes: int) -> None:
        """Serve a file of this size, by servers that are started again. Raises UserError where that cannot be."""
        if self._link is None:
            raise UserError("the size stays as it is: the file is on the agent's machine, or in the folder of --root")
        if refused := too_large((size_bytes,), self._link.root):
            raise UserError(f"a file of {exact_size(size_bytes)} is too large here: {refused[size_bytes]}")
        self._link.serve(size_bytes)
        self.refresh_file()
        self.start_all()

    def refresh_file(self) -> FileState:
        """Read the facts of the served file again, after it changed. Raises UserError where it is damaged."""
        self.facts = self.agent.facts()
        self._set_expected_size(self.facts)
        return self.agent.file_state()

    def _set_expected_size(self, facts: Facts) -> None:
        for user_class in self._classes.values():
            user_class.expected_bytes = user_class.own_bytes or facts.file.size_bytes

    def _with_refusal(self, status: TargetStatus) -> TargetStatus:
        refusal = None if status.state == "running" else self._refused.get(status.name)
        return replace(status, state="dead", last_stderr_line=refusal) if refusal else status
