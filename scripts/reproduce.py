"""make reproduce: run again what a report came from, with its seed. The report is read, and never believed."""

import subprocess
import sys
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UsageError, run_command
from profiles.targets.catalog import choose
from reports.export.reproduce import ReproduceRequest, read
from scripts.common_arguments import targets_argument
from scripts.folders import add_folders


def main() -> int:
    parser = CommandParser(prog="python -m scripts.reproduce", description=__doc__)
    targets_argument(parser)
    parser.add_argument("report", type=Path, metavar="REPORT", help="a report's index.html")
    parser.add_argument("--run", help="name of the new run (default: the time)")
    parser.add_argument("--show", action="store_true", help="only show the command")
    parser.add_argument("--any-port", action="store_true", help="serve on free ports instead of the modes' own")
    parser.add_argument("--root", type=Path, default=Path("data"), help="where test-file.bin lies (%(default)s)")
    add_folders(parser)
    arguments = parser.parse_args()
    request = read(arguments.report)
    _check(request)
    print(f"run {request.run} (revision {request.revision}) came from:\n{request.command}", flush=True)
    if arguments.show:
        return EXIT_DONE
    root = [f"--root={arguments.root}"]
    where = [*root, f"--profiles={arguments.profiles}", f"--reports={arguments.reports}"]
    where += [f"--run={arguments.run}"] if arguments.run else []
    where += ["--any-port"] if arguments.any_port else []
    make_file = ["scripts.test_file", *request.file_arguments, *root]
    for command in (make_file, ["scripts.load", *request.load_arguments, *where]):
        if code := subprocess.run([sys.executable, "-m", *command], check=False).returncode:
            return code
    return EXIT_DONE


def _check(request: ReproduceRequest) -> None:
    """That what it measured still exists here. Raises UsageError."""
    targets = {target.name: target for target in choose(request.modes)}
    for option in request.options:
        mode, _, rest = option.partition(".")
        name = rest.partition("=")[0]
        if mode not in targets or name not in targets[mode].facts.options:
            raise UsageError(f"{mode} has no option {name!r} here any more: the report comes from another revision")


if __name__ == "__main__":
    run_command(main)
