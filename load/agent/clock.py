"""Another host's monotonic clock, read on ours.

Its rule: causality, and no assumption about the network. The moment of an answer lies between the request and the
answer, so each exchange bounds the difference of the clocks from both sides. The intersection of all bounds is kept.
Only samples over time need it: durations come from one clock alone.
"""

from dataclasses import dataclass

# Two clocks, each steered by at most 500 ppm (adjtimex(2)): bounds widen by 1 ms per second.
DRIFT = 1e-3


@dataclass(slots=True)
class Clock:
    """theirs - ours lies between low_s and high_s, as of a moment of ours."""

    low_s: float = float("-inf")
    high_s: float = float("inf")
    as_of_s: float = 0.0

    def learn(self, asked_s: float, theirs_s: float, answered_s: float) -> None:
        """An exchange: asked_s and answered_s on our clock, and what theirs showed in between."""
        low_s, high_s = theirs_s - answered_s, theirs_s - asked_s
        wider_s = DRIFT * max(0.0, answered_s - self.as_of_s)
        both = max(low_s, self.low_s - wider_s), min(high_s, self.high_s + wider_s)
        # The bounds contradict each other where a clock was set back or a machine slept: only the latest count then.
        self.low_s, self.high_s = both if both[0] <= both[1] else (low_s, high_s)
        self.as_of_s = answered_s

    def ours(self, theirs_s: float) -> float:
        """Their moment on our clock, give or take half of what lies between the bounds."""
        return theirs_s - (self.low_s + self.high_s) / 2
