"""How long a campaign will take, for whoever waits: what is left, and the share that is done.

Its rule: it learns. Rounds take as long as those before, and as many are expected as the widest interval asks for.
"""

import time

from load.campaign.schedule import Schedule
from load.campaign.settings import Settings

PROOF_S, PROBE_S, PROFILE_START_S = 0.8, 2.0, 1.3  # about
LIKELY_ROUNDS = 9
MOST_DONE = 0.99


class Plan:
    """Seconds are about."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._began_s = time.monotonic()
        self._proofs_left = len(settings.modes)
        self._profiles_left = len(settings.modes) if settings.profile_s else 0
        likely = min(settings.rounds, LIKELY_ROUNDS) if settings.precision else settings.rounds
        self._probe_s = PROBE_S if settings.is_probed else 0.0
        self._rounds_s = min(likely * settings.round_s, settings.seconds or float("inf"))

    def proved(self) -> None:
        self._proofs_left -= 1

    def probed(self) -> None:
        self._probe_s = 0.0

    def profiled(self) -> None:
        self._profiles_left -= 1

    def round_is_over(self, schedule: Schedule) -> None:
        self._rounds_s = schedule.rounds_left() * schedule.round_s

    def rounds_are_over(self) -> None:
        self._rounds_s = 0.0

    @property
    def left_s(self) -> float:
        profiles_s = self._profiles_left * (2 * self._settings.profile_s + PROFILE_START_S)
        return self._proofs_left * PROOF_S + self._rounds_s + self._probe_s + profiles_s

    @property
    def done_share(self) -> float:
        """Never all of it, while somebody is told so."""
        done_s = time.monotonic() - self._began_s
        return min(MOST_DONE, done_s / max(done_s + self.left_s, 1e-3))
