"""python -m reports.flames RUN-FOLDER MODE PAGE: one flame graph of a run as a page, right after perf recorded it.

It is drawn as in the report (reports/sections/flame_graphs.py); a load by hand is still under way then.
"""

from pathlib import Path

from errors import EXIT_DONE, CommandParser, UserError, run_command
from profiles.store.files import write_file
from profiles.store.records import DeepProfile
from profiles.store.run_folder import RunFolder
from reports.flames.perf_profile import PerfProfile, from_folded
from reports.flames.tree import tree
from reports.page import flames_bundle
from reports.templating import fragment, packed_json


def main() -> int:
    parser = CommandParser(prog="python -m reports.flames", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("mode")
    parser.add_argument("page", type=Path, help="the file to write")
    options = parser.parse_args()
    write_file(options.page, page(newest(RunFolder(options.folder), options.mode)).encode())
    return EXIT_DONE


def newest(folder: RunFolder, mode: str) -> PerfProfile:
    """What perf recorded last of a mode. Raises UserError where that is nothing to draw."""
    profiles = [one for one in folder.read(DeepProfile) if one.mode == mode and one.folded]
    if not profiles:
        raise UserError(f"run {folder.name} has no perf profile of {mode}")
    text = (folder.path / str(profiles[-1].folded)).read_text(errors="replace")
    found = from_folded(profiles[-1], text)
    if found is None:
        raise UserError(f"no byte arrived from {mode} while perf recorded it")
    return found


def page(perf: PerfProfile) -> str:
    mode = perf.profile.mode
    trees = packed_json({mode: tree(perf.stacks, mode)})
    return fragment("one_flame_graph.html", mode=mode, perf=perf, trees=trees, flames=flames_bundle())


if __name__ == "__main__":
    run_command(main)
