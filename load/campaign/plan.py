"""How long a campaign will take, for whoever waits: what is left, and the share that is done.

Its rule: it learns. Rounds take as long as those before, and as many are expected as the widest interval asks for.
"""

import time

from load.campaign.schedule import Schedule
from load.campaign.settings import Settings
from reports.analysis.paired_ratio import looks, paired_ratio
from reports.analysis.rounds import PRIMARY

PROOF_S, PROBE_S, START_S = 0.8, 2.0, 1.2


class Plan:
    """Seconds are about. rest_s: of what follows the rounds."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._began_s = time.monotonic()
        self._proofs_left = len(settings.modes)
        self._profiles_left = len(settings.modes) if settings.profile_s else 0
        self._rounds_left = settings.rounds
        self._round_s = settings.round_s
        self.expect_rounds(None)

    def proved(self) -> None:
        self._proofs_left -= 1

    def profiled(self) -> None:
        self._profiles_left -= 1

    def rounds_are_over(self) -> None:
        self._rounds_left = 0

    def expect_rounds(self, schedule: Schedule | None) -> None:
        """schedule: after a round; None before the first one."""
        most, done = self._settings.rounds, 0
        if schedule is not None:
            done, self._round_s = len(schedule.run.order), schedule.round_s
        self._rounds_left = max(0, self._expected(schedule, most) - done)
        if self._settings.seconds is not None:
            left_s = self._settings.seconds - done * self._round_s
            self._rounds_left = max(0, min(self._rounds_left, int(left_s / max(self._round_s, 1e-3))))

    def _expected(self, schedule: Schedule | None, most: int) -> int:
        if not self._settings.precision:
            return most
        looks_at = looks(schedule.level if schedule else 0.975, most)
        needed = looks_at[0]
        dataset = schedule.dataset() if schedule else None
        for mode in dataset.others if dataset and schedule else ():
            pairs = dataset.pairs(mode, PRIMARY) if dataset else []
            paired = paired_ratio(pairs, schedule.level) if pairs and schedule else None
            if paired is not None and paired.half_width is not None:
                needed = max(needed, round(paired.rounds * (paired.half_width / self._settings.precision) ** 2))
        return next((look for look in looks_at if look >= needed), most)

    @property
    def left_s(self) -> float:
        after_s = self._profiles_left * (self._settings.profile_s + START_S) + (PROBE_S if self._rounds_left else 0)
        return self._proofs_left * PROOF_S + self._rounds_left * self._round_s + after_s

    @property
    def done_share(self) -> float:
        done_s = time.monotonic() - self._began_s
        return done_s / max(done_s + self.left_s, 1e-3)
