"""What the page may ask for: one dataclass per command, checked again behind the page.

Its rule: a command names modes, sizes and counts, never a path or a program. What is wrong raises UsageError, whose one
line is shown where the command was given.
"""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

import knobs
from errors import UsageError
from load.campaign.options import USERS, check_run_name
from load.users import pacing
from load.users.connection import Sink
from profiles.targets import catalog
from units import parse_size

MOST_USERS = int((knobs.KNOBS["USERS"].limits or (0, 0))[1])
RECORD_S = (1, 600)
_TYPES: Mapping[knobs.Kind, type | tuple[type, ...]] = {"count": int, "number": (int, float), "flag": bool}

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class LoadCommand:
    """Load these modes at once, until stopped. users: per mode. pace: "saturated", or a rate per mode like 200MiB/s.
    size: of the file; empty for as it is."""

    modes: tuple[str, ...]
    users: int = USERS
    sink: Sink = "discard"
    pace: str = "saturated"
    size: str = ""

    def check(self) -> None:
        if not self.modes:
            raise UsageError("choose a mode to load")
        catalog.choose(list(self.modes))
        if not 1 <= self.users <= MOST_USERS or self.users * len(self.modes) > MOST_USERS:
            raise UsageError(f"{self.users} users for each mode: give 1 to {MOST_USERS // len(self.modes)}")
        size_of(self.size)
        pacing.manual_rate(self.pace)


@dataclass(frozen=True, slots=True)
class CampaignCommand:
    """A whole campaign, as `make load` would do it. given: by the attribute of a knob; None is left to its default."""

    given: dict[str, Any]

    @property
    def modes(self) -> tuple[str, ...]:
        return tuple(self.given.get("modes") or ())

    @property
    def size(self) -> str:
        return str(self.given.get("size") or "")

    @property
    def run(self) -> str:
        """The name of the run; empty for the time of day."""
        return str(self.given.get("run") or "")

    def options(self, **more: Any) -> Namespace:
        """What `make load` would parse, and more. Raises UsageError."""
        form = {knob.attribute: knob for knob in knobs.of("load") if knob.label or knob.name == "MODES"}
        for name, value in self.given.items():
            if name not in form:
                raise UsageError(f"this was not understood: there is no {name!r} on the form")
            if value is not None and not _is_value(form[name], value):
                raise UsageError(f"this was not understood: {name} is {value!r}")
        if not self.modes:
            raise UsageError("choose the modes to compare: the first is the baseline")
        size_of(self.size)
        if self.run:
            check_run_name(self.run)
        asked = {name: value for name, value in self.given.items() if value is not None}
        asked |= {"modes": self.modes, "baseline": self.modes[0]}
        return Namespace(**{**vars(knobs.defaults("load")), **asked, **more})


def _is_value(knob: knobs.Knob, value: Any) -> bool:
    if knob.kind == "words":
        return isinstance(value, list) and all(isinstance(word, str) for word in value)
    return isinstance(value, _TYPES.get(knob.kind, str)) and isinstance(value, bool) == (knob.kind == "flag")


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """Start this server, or start it again."""

    mode: str


@dataclass(frozen=True, slots=True)
class RecordCommand:
    """Record a flame graph of this server."""

    mode: str
    seconds: int = 5

    def check(self) -> None:
        catalog.choose([self.mode])
        if not RECORD_S[0] <= self.seconds <= RECORD_S[1]:
            raise UsageError(f"{self.seconds} seconds: give {RECORD_S[0]} to {RECORD_S[1]}")


def size_of(text: str) -> int | None:
    """The size in bytes that a text asks for; None where it is empty."""
    if not text.strip():
        return None
    size_bytes = parse_size(text)
    if not 0 < size_bytes < 1 << 60:
        raise UsageError(f"size {text!r}: give a size like 256MiB")
    return size_bytes


def decode(content: bytes, kind: type[C]) -> C:
    """The command in a request's body. Raises UsageError for what is none."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"this was not understood: {error}") from error
