"""An external target: a server of the user's own, as targets.toml describes it (docs/targets.md).

This is only the description; profiles/targets/external_server.py starts and stops the server.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from profiles.store.run_facts import SERVED_PATH, WireProtocol

PLACEHOLDERS = ("root", "port", "host", "here", "scratch")
LINK_TO_ROOT = "root"  # in {scratch}
PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z][a-z0-9_]*)\}")  # ${this} is a shell's


class AsGiven(msgspec.Struct, frozen=True, kw_only=True):
    """What is used as it stands in targets.toml.

    files: below the folder of targets.toml, expanded into a scratch folder before each start. values: the user's own
    placeholders. stop_within_s: after that, whatever is left is killed.
    """

    container: str | None = None
    path: str = SERVED_PATH
    protocol: WireProtocol = "http"
    tls: Literal["user", "kernel"] | None = None
    env: dict[str, str] = {}
    cwd: str = "{here}"
    files: list[str] = []
    values: dict[str, str] = {}
    ready_within_s: Annotated[float, msgspec.Meta(ge=0.1, le=120)] = 15.0
    stop_within_s: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 5.0


class ExternalTarget(AsGiven, frozen=True, kw_only=True):
    """How a server is started, found and stopped; one of command, pid and container is given.

    here: the folder of targets.toml. pid: a process, or a file with its number. stop: a signal's number, or a command.
    """

    here: Path
    host: str
    port: int
    command: tuple[str, ...]
    pid: int | Path | None
    stop: int | tuple[str, ...]

    @property
    def process(self) -> tuple[object, ...] | None:
        """What says which process it is: targets for which it is equal are served by one, each on a port of its own.
        None where each is started on the port that it is given, as a process of its own."""
        if not self.command:
            return self.pid, self.container
        if self.uses("port"):
            return None
        started = self.command, self.stop, self.cwd, *self.files
        return *started, *self.env.items(), *self.values.items()

    def _texts(self) -> Iterator[tuple[str, str]]:
        """The key and the text of everything that may hold placeholders."""
        yield from (("command", text) for text in self.command)
        yield from (("stop", text) for text in (self.stop if isinstance(self.stop, tuple) else ()))
        yield "cwd", self.cwd
        yield from ((f"env.{name}", text) for name, text in self.env.items())
        yield from ((f"values.{name}", text) for name, text in self.values.items())

    def uses(self, placeholder: str) -> bool:
        """Whether the placeholder occurs in anything that is started or written."""
        contents = ((self.here / name).read_text(errors="replace") for name in self.files)
        return any(f"{{{placeholder}}}" in text for text in (*(text for _, text in self._texts()), *contents))

    def unknown_placeholders(self) -> Iterator[tuple[str, str]]:
        """The key and the name of each placeholder that has no value."""
        for key, text in self._texts():
            for name in PLACEHOLDER.findall(text):
                if name not in PLACEHOLDERS and name not in self.values:
                    yield key, name

    def placeholders(self, root: Path, host: str, port: int, scratch: Path) -> "Placeholders":
        """The values for a start that serves the folder `root` at this address.

        It is absolute: each program has another folder that a relative one would start from.
        """
        given = {"root": root.absolute(), "port": port, "host": host, "here": self.here, "scratch": scratch}
        own = Placeholders({name: str(value) for name, value in given.items()})
        return Placeholders({name: own.expand(text) for name, text in self.values.items()} | dict(own.values))


@dataclass(frozen=True, slots=True)
class Placeholders:
    values: Mapping[str, str]

    def expand(self, text: str) -> str:
        """The text with every known placeholder replaced; all others stay as they are."""
        return PLACEHOLDER.sub(lambda found: self.values.get(found[1], found[0]), text)
