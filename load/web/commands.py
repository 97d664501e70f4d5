"""What the page may ask for: one dataclass per wish, checked again behind the page.

Its rule: a wish names modes, sizes and counts, never a path or a command. Raises UsageError, with one line that is
shown where the wish was made.
"""

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from errors import UsageError
from load.campaign.options import LIMITS, USERS, CampaignOptions, check_run_name
from load.users import pacing
from load.users.connection import Sink
from profiles.targets import catalog
from units import parse_size

MOST_USERS = int(LIMITS["users"][1])
RECORD_S = (1, 600)

W = TypeVar("W")


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
    """A whole campaign, as `make load` would do it. name: of the run; empty for the time of day. window_s: None for the
    default, which depends on the modes."""

    modes: tuple[str, ...]
    users: int = USERS
    sink: Sink = "discard"
    pace: str = "saturated"
    size: str = ""
    rounds: int = 12
    window_s: float | None = None
    profile_s: int | None = None
    precision: float | None = None
    calibrate: bool = False
    name: str = ""

    def knobs(self, any_port: bool) -> CampaignOptions:
        if not self.modes:
            raise UsageError("choose the modes to compare: the first is the baseline")
        size_of(self.size)
        if self.name:
            check_run_name(self.name)
        known = CampaignOptions()
        return CampaignOptions(
            modes=self.modes,
            baseline=self.modes[0],
            rounds=self.rounds,
            precision=known.precision if self.precision is None else self.precision,
            calibrate=self.calibrate,
            pace=self.pace,
            window=self.window_s,
            profile=self.profile_s,
            users=self.users,
            sink=self.sink,
            any_port=any_port,
        )


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
    """Of a file, in bytes; None where nothing is asked for."""
    if not text.strip():
        return None
    size_bytes = parse_size(text)
    if not 0 < size_bytes < 1 << 60:
        raise UsageError(f"size {text!r}: give a size like 256MiB")
    return size_bytes


def decode(content: bytes, kind: type[W]) -> W:
    """Raises UsageError for what is no such wish."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise UsageError(f"this was not understood: {error}") from error
