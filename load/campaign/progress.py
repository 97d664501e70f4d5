"""How far a campaign is, as it tells whoever started it: a terminal, a page, nobody."""

from collections.abc import Callable
from dataclasses import dataclass

from reports.analysis.rounds import Dataset


@dataclass(frozen=True, slots=True)
class Progress:
    """step: what goes on now, like "round 4: sendfile". done_share: of all that is expected, 0 to 1; it may fall when
    more rounds are needed than seemed so. left_s: about. dataset: what is measured by now; None where nothing was added
    since the last report."""

    step: str
    done_share: float
    left_s: float
    dataset: Dataset | None = None


Report = Callable[[Progress], None]
