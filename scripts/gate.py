"""make gate: does a mode cost more than allowed, against a run that is kept, or against another mode of the same run?

Exit codes: 0 no mode lies above its limit, 1 at least one does, 2 wrong usage or nothing that can be judged, 3 no mode
lies above its limit but not all could be judged.
"""

import argparse
import os

from errors import EXIT_DONE, UsageError, UserError, run_command
from profiles.store.files import write_file
from profiles.targets.variants import canonical
from reports.analysis.limits import Limit, is_limit, ratio
from reports.analysis.limits import parse as parse_limit
from reports.comparison import ci_output, terminal
from reports.comparison.gate import gate
from reports.comparison.gate_within import gate_within
from reports.comparison.judgement import Gate
from reports.run_data import read_campaign
from scripts.common_arguments import FOLDERS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("gate", __doc__, *FOLDERS))
    form = arguments.format or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text")
    if form not in ("text", "github"):
        raise UsageError(f"FORMAT={form!r}: choose text, or github for annotations too")
    try:
        found = _judged(arguments)
        if arguments.junit:
            write_file(arguments.junit, ci_output.junit(found))
    except UserError as error:
        raise UsageError(str(error)) from error  # 1 means that a mode got worse, and nothing else
    terminal.show_gate(found)
    if form == "github":
        print("\n".join(ci_output.annotations(found)))
    if found.exit_code != EXIT_DONE and os.environ.get("MAKELEVEL"):
        print("make turns every failure into 2; `.venv/bin/python -m scripts.gate` (or scripts.load) keeps the code")
    return found.exit_code


def _judged(arguments: argparse.Namespace) -> Gate:
    modes = tuple(map(canonical, [*(arguments.modes or ()), *([arguments.mode] if arguments.mode else ())]))
    limits = _limits(arguments, modes)
    run = read_campaign(arguments.runs_folder, arguments.run)
    if limits is not None:
        return gate_within(run, limits, strict=arguments.strict)
    if arguments.baseline is None:
        raise UsageError("give BASELINE=run to compare with that run, or MODE=name AGAINST=name to compare within one")
    baseline = read_campaign(arguments.runs_folder, arguments.baseline)
    return gate(run, baseline, _ratio(arguments), arguments.judge, modes, strict=arguments.strict)


def _limits(arguments: argparse.Namespace, modes: tuple[str, ...]) -> tuple[Limit, ...] | None:
    """The limits within one run; None where it is to be compared with another. Raises UsageError."""
    named = any(map(is_limit, arguments.max))
    if not named and not arguments.against:
        return None
    if arguments.baseline:
        raise UsageError("BASELINE is for two runs, AGAINST and limits like a/b<=1.05 are for one: give one of them")
    if arguments.judge == "direct":
        raise UsageError("JUDGE=direct is for two runs, and within one the paired ratio is judged: leave it out")
    if named and (arguments.against or modes):
        raise UsageError(f"MAX={' '.join(arguments.max)} names its modes: leave out MODE, MODES and AGAINST")
    if named:
        return tuple(parse_limit(text, canonical) for text in arguments.max)
    if not modes:
        raise UsageError(f"AGAINST={arguments.against}: say which mode is to be judged, with MODE=name")
    pairs = [f"{mode}/{arguments.against}<={_ratio(arguments)}" for mode in modes]
    return tuple(parse_limit(text, canonical) for text in pairs)


def _ratio(arguments: argparse.Namespace) -> float:
    if len(arguments.max) != 1:
        raise UsageError(f"MAX={' '.join(arguments.max)!r}: give one ratio, like 1.05")
    return ratio(arguments.max[0])


if __name__ == "__main__":
    run_command(main)
