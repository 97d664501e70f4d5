"""make gate: is a run worse than the one that is kept as the baseline?

Exit codes: 0 no mode lies above the limit, 1 at least one does, 2 wrong usage or nothing that can be judged, 3 no mode
lies above the limit but not all could be judged.
"""

import os
from pathlib import Path

from errors import CommandParser, UsageError, UserError, run_command
from profiles.store.run_folder import write_file
from reports.comparison import ci_output, comparison
from reports.comparison.gate import gate
from reports.history import terminal
from scripts.folders import add_folders


def main() -> int:
    parser = CommandParser(prog="python -m scripts.gate", description=__doc__)
    parser.add_argument("--baseline", required=True, metavar="RUN", help="the run to be compared with")
    parser.add_argument("--run", help="the run to judge (default: the latest)")
    parser.add_argument(
        "--max", type=float, default=1.05, help="the ratio that is still allowed (default: %(default)s)"
    )
    parser.add_argument(
        "--judge", choices=("relative", "direct"), default="relative", help="see reports/comparison/gate.py"
    )
    parser.add_argument("--modes", nargs="+", default=[], metavar="MODE", help="default: all of the baseline run")
    parser.add_argument("--junit", type=Path, metavar="PATH", help="write JUnit XML there too")
    github = "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"
    parser.add_argument("--format", choices=("text", "github"), default=github, help="annotations too? (%(default)s)")
    add_folders(parser)
    arguments = parser.parse_args()
    try:
        run, baseline = (comparison.read(arguments.profiles, name) for name in (arguments.run, arguments.baseline))
        found = gate(run, baseline, arguments.max, arguments.judge, tuple(arguments.modes))
        if arguments.junit:
            write_file(arguments.junit, ci_output.junit(found))
    except UserError as error:
        raise UsageError(str(error)) from error  # 1 means that a mode got worse, and nothing else
    terminal.show_gate(found)
    if arguments.format == "github":
        print("\n".join(ci_output.annotations(found)))
    return found.exit_code


if __name__ == "__main__":
    run_command(main)
