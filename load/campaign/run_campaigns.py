"""One campaign for each question that was asked (method.md §2), carried out one after the other, alone on this machine.

Its rule: `make load` and the page do the same, and differ in how they show it.
"""

from collections.abc import Callable
from dataclasses import replace

from locust.env import Environment

from load.agent.client import AgentClient
from load.campaign.campaign import Campaign
from load.campaign.settings import Settings
from load.users.locust_users import DownloadUser
from profiles.store.records import Cell
from profiles.store.run_folder import RunFolder

Report = Callable[[float, str], None]  # told the seconds of plan that are done, and what comes next


def expected_s(settings: Settings, folder: RunFolder) -> float:
    """How long all of it will take at most, but for repeats, about."""
    return sum(asked.expected_s for asked, _ in _parts(settings, folder))


def carry_out(
    environment: Environment,
    user_classes: dict[str, type[DownloadUser]],
    agent: AgentClient,
    settings: Settings,
    folder: RunFolder,
    report: Report,
) -> list[Cell]:
    """All that was asked for, into this folder; the cells of it. Raises UserError when it cannot go on: what was
    complete is kept."""
    cells: list[Cell] = []
    parts = _parts(settings, folder)
    for asked, place in parts:
        part_of = None if place == folder else folder
        cells += Campaign(environment, user_classes, agent, place, asked, report, part_of).run()
    _share_command(parts)
    return cells


def _parts(settings: Settings, folder: RunFolder) -> list[tuple[Settings, RunFolder]]:
    """A campaign for each question that was asked; the paced one of two lies in the other's folder, and is not profiled
    again."""
    pace = settings.pace
    paced = replace(settings, rate=pace.rate)
    if pace.saturated and pace.rate is not None:
        return [(settings, folder), (replace(paced, profile_s=0), folder.paced)]
    return [(paced, folder)]


def _share_command(parts: list[tuple[Settings, RunFolder]]) -> None:
    """The rate that the last part found belongs to what repeats the whole."""
    whole, last = parts[0][1], parts[-1][1]
    whole.write_run(replace(whole.read_run(), command=last.read_run().command))
