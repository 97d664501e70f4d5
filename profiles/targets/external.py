"""A guest: a server of the user's own, as targets.toml describes it (docs/targets.md).

Its rule: it says what to run and where to ask, and does nothing; profiles/targets/external_server.py does.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PLACEHOLDERS = ("root", "port", "host", "here", "scratch")
_PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z][a-z0-9_]*)\}")  # ${this} is a shell's


@dataclass(frozen=True, slots=True)
class ExternalTarget:
    """How a server is started, found and stopped; one of command, pid and container is given.

    here: the folder of targets.toml. pid: a process, or a file that holds its number. stop: the number of a signal, or
    a command. files: of `here`, filled in and put into a scratch folder before each start. values: placeholders of the
    user's own. stop_within_s: after that, whatever is left is killed.
    """

    here: Path
    host: str
    port: int
    path: str
    command: tuple[str, ...] = ()
    pid: int | Path | None = None
    container: str | None = None
    stop: int | tuple[str, ...] = 15
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: str = "{here}"
    files: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    ready_within_s: float = 15.0
    stop_within_s: float = 5.0
    tls: bool = False

    @property
    def texts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Every text in which placeholders are filled in, with the key that it stands under."""
        yield from ((("command",), text) for text in self.command)
        yield from ((("stop",), text) for text in (self.stop if isinstance(self.stop, tuple) else ()))
        yield ("cwd",), self.cwd
        yield from ((("env", name), text) for name, text in self.env.items())
        yield from ((("values", name), text) for name, text in self.values.items())

    def uses(self, placeholder: str) -> bool:
        """Whether anything that is started or written depends on it."""
        contents = ((self.here / name).read_text(errors="replace") for name in self.files)
        return any(f"{{{placeholder}}}" in text for text in (*(text for _, text in self.texts), *contents))

    def unknown_placeholders(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Those that nothing can be filled in for, with the key that they stand under."""
        for key, text in self.texts:
            for name in _PLACEHOLDER.findall(text):
                if name not in PLACEHOLDERS and name not in self.values:
                    yield key, name

    def filled(self, root: Path, host: str, port: int, scratch: Path) -> "Placeholders":
        """What to fill in for a start that serves this folder at this address."""
        given = {"root": str(root), "port": str(port), "host": host, "here": str(self.here)}
        given["scratch"] = str(scratch)
        own = {name: fill(text, given) for name, text in self.values.items()}
        return Placeholders(own | given)


@dataclass(frozen=True, slots=True)
class Placeholders:
    values: Mapping[str, str]

    def __call__(self, text: str) -> str:
        return fill(text, self.values)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with the placeholders that have a value; all others stay as they are."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text)
