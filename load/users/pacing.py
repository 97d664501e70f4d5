"""The pace of users: saturated, or a rate that every mode is offered (docs/method.md §2).

Its rule: open-loop. The moments at which downloads start are fixed before the first one: one every file size / rate,
the users in turn. A late user starts at once and skips none, and its latency counts from the moment at which it should
have started, so that a stalled server shows in the latency of everyone who had to wait. (A user that waits for an
answer before it looks at the clock asks least while the server is slowest: Gil Tene's "coordinated omission".)

Latency includes the load's own lateness: its timer, epoll_wait(2), wakes in whole milliseconds.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import gevent

from errors import UsageError, UserError
from units import KIB, MIB, exact_size, format_size, parse_size

OfferedRate = int | Literal["auto"]  # bytes per second of all users together; auto: a pilot finds it

# Share of the slowest mode's ceiling. With random arrivals and equal service times, the queue before a server that is
# busy for a share ρ of the time waits ρ / 2(1 - ρ) service times (Pollaczek and Khinchine): 0.9 at this share, 4.5 at
# 0.9. So latency is still mostly the server's, and a ceiling that the pilot found a third too high is not reached.
AUTO_SHARE = 0.65


@dataclass(frozen=True, slots=True)
class PaceSpec:
    """What PACE asks for: saturated, paced at a rate, or both. rate: None without the paced question."""

    saturated: bool
    rate: OfferedRate | None


SATURATED = PaceSpec(True, None)


def parse(text: str) -> PaceSpec:
    """text: saturated, auto, a rate like 200MiB/s, or "saturated auto", in short "both". Raises UsageError."""
    words = ["saturated", "auto"] if text.strip() == "both" else text.split()
    saturated = words[:1] == ["saturated"]
    paced = "".join(words[saturated:])
    if not paced and saturated:
        return SATURATED
    if paced == "auto":
        return PaceSpec(saturated, "auto")
    if not paced.endswith("/s"):
        raise UsageError(f"PACE={text!r}: give saturated, auto, both, or a rate of all users together, like 200MiB/s")
    rate = parse_size(paced.removesuffix("/s"))
    if rate < KIB:
        raise UsageError(f"PACE={text!r}: the lowest rate is 1KiB/s")
    return PaceSpec(saturated, rate)


def manual_rate(text: str) -> int | None:
    """What a manual load offers to each mode, in bytes per second; None for saturated. Raises UsageError."""
    spec = parse(text)
    if spec == SATURATED:
        return None
    if spec.saturated or not isinstance(spec.rate, int):
        raise UsageError(f"pace {text!r}: a load by hand is saturated, or has a rate like 200MiB/s")
    return spec.rate


def format_pace(spec: PaceSpec) -> str:
    """Such that parse() gives it back."""
    words = ["saturated"] if spec.saturated else []
    if spec.rate is not None:
        words.append("auto" if spec.rate == "auto" else f"{exact_size(spec.rate)}/s".replace(" ", ""))
    return " ".join(words)


def resolve(rate: OfferedRate, ceilings: Mapping[str, float]) -> int:
    """The rate to offer, in bytes per second. ceilings: what each mode reached in its saturated pilot, by mode.

    Raises UserError for a rate that a mode did not reach, and where every mode failed its pilot.
    """
    if not ceilings:
        raise UserError("no mode completed its pilot without a failed request; PACE=saturated shows what fails")
    slowest = min(ceilings, key=lambda mode: ceilings[mode])
    ceiling = ceilings[slowest]
    if rate == "auto":
        step = MIB if AUTO_SHARE * ceiling >= 16 * MIB else KIB
        return max(KIB, math.floor(AUTO_SHARE * ceiling / step) * step)
    if rate > ceiling:
        raise UserError(
            f"PACE={exact_size(rate)}/s is more than {slowest} reaches here, {format_size(ceiling)}/s when saturated: "
            f"lower it, or leave {slowest} out; PACE=auto takes {100 * AUTO_SHARE:.0f} % of the slowest"
        )
    return rate


@dataclass(frozen=True, slots=True)
class Pace:
    """When downloads start. begin_s: the first one, on the clock of start_times()."""

    rate_bytes_per_s: int
    file_bytes: int
    users: int
    begin_s: float

    def intended_s(self, user: int, number: int) -> float:
        """When this user should start this download; both count from 0."""
        return self.begin_s + (user + number * self.users) * self.file_bytes / self.rate_bytes_per_s


def start_times(pace: Pace, user: int, clock: Callable[[], float]) -> Iterator[float]:
    """The moments at which one user's downloads should start; each comes when it is due."""
    for number in itertools.count():
        due_s = pace.intended_s(user, number)
        while (left_s := due_s - clock()) > 0:  # gevent's own clock stands still between its rounds
            gevent.sleep(left_s)
        yield due_s
