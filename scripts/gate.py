"""make gate: is a run worse than the one that is kept as the baseline?

Exit codes: 0 no mode lies above the limit, 1 at least one does, 2 wrong usage or nothing that can be judged, 3 no mode
lies above the limit but not all could be judged.
"""

import os

from errors import UsageError, UserError, run_command
from profiles.store.files import write_file
from profiles.targets.variants import canonical
from reports.comparison import ci_output, terminal
from reports.comparison.gate import gate
from reports.run_data import read_campaign
from scripts.common_arguments import FOLDERS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("gate", __doc__, *FOLDERS))
    form = arguments.format or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")
    if form not in ("text", "github"):
        raise UsageError(f"FORMAT={form!r}: choose text, or github for annotations too")
    if arguments.baseline is None:
        raise UsageError("give BASELINE=run, the run to be compared with")
    try:
        run, baseline = (read_campaign(arguments.profiles, name) for name in (arguments.run, arguments.baseline))
        found = gate(run, baseline, arguments.max, arguments.judge, tuple(map(canonical, arguments.modes or ())))
        if arguments.junit:
            write_file(arguments.junit, ci_output.junit(found))
    except UserError as error:
        raise UsageError(str(error)) from error  # 1 means that a mode got worse, and nothing else
    terminal.show_gate(found)
    if form == "github":
        print("\n".join(ci_output.annotations(found)))
    return found.exit_code


if __name__ == "__main__":
    run_command(main)
