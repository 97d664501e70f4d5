"""One campaign for each question (saturated, paced; docs/method.md §2), one after the other.

`make load` and the live page both come here.
"""

from dataclasses import replace

from load.campaign.campaign import Campaign
from load.campaign.progress import Report
from load.campaign.settings import Settings
from load.context import LoadContext
from profiles.store.records import Cell
from profiles.store.run_folder import RunFolder


def run_campaigns(context: LoadContext, settings: Settings, folder: RunFolder, report: Report) -> list[Cell]:
    """Measure everything that was asked for; all cells. Raises UserError when it cannot go on: complete rounds stay."""
    parts = _parts(settings, folder)
    cells: list[Cell] = []
    for part, own_folder in parts:
        saturated = None if own_folder == folder else folder
        cells += Campaign(context, part, own_folder, report, saturated).run()
    # Only the last campaign knows the rate that was found, which the command that repeats the whole needs.
    command = parts[-1][1].read_run().command
    folder.write_run(replace(folder.read_run(), command=command))
    return cells


def _parts(settings: Settings, folder: RunFolder) -> list[tuple[Settings, RunFolder]]:
    """The settings and the folder of each campaign. The paced one of two lies inside the saturated one's folder, and
    makes no flame graphs."""
    pace = settings.pace
    paced = replace(settings, rate=pace.rate)
    if pace.saturated and pace.rate is not None:
        return [(settings, folder), (replace(paced, profile_s=0), folder.paced)]
    return [(paced, folder)]
