"""make reproduce: run again what a report came from, with its seed. The report is read, and never believed."""

import subprocess
import sys

from errors import EXIT_DONE, UsageError, run_command
from profiles.targets.catalog import choose
from profiles.targets.variants import parse_all
from reports.export.reproduce import ReproduceRequest, read
from scripts.common_arguments import OPTIONS, parse, parser_of


def main() -> int:
    arguments = parse(parser_of("reproduce", __doc__, *OPTIONS, positional=("REPORT",)))
    if arguments.report is None:
        raise UsageError("give REPORT=path, a report's index.html")
    request = read(arguments.report)
    _check(request)
    print(f"run {request.run} (revision {request.revision}) came from:\n{request.command}", flush=True)
    if arguments.show:
        return EXIT_DONE
    root = [f"--root={arguments.root}"]
    where = [*root, f"--profiles={arguments.profiles}", f"--reports={arguments.reports}"]
    where += [f"--run={arguments.run}"] if arguments.run else []
    where += ["--any-port"] if arguments.any_port else []
    make_file = ["servers.payload", *request.file_arguments, *root]
    for command in (make_file, ["scripts.load", *request.load_arguments, *where]):
        if code := subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            return code
    return EXIT_DONE


def _check(request: ReproduceRequest) -> None:
    """That what it measured still exists here. Raises UsageError."""
    modes = {variant.mode for variant in parse_all(request.modes).values()}
    targets = {target.name: target for target in choose(sorted(modes))}
    for option in request.options:
        mode, _, rest = option.partition(".")
        name = rest.partition("=")[0]
        if mode not in targets or name not in targets[mode].facts.options:
            raise UsageError(f"{mode} has no option {name!r} here any more: the report comes from another revision")


if __name__ == "__main__":
    run_command(main)
