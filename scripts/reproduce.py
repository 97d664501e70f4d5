"""make reproduce: run again what a report came from, with its seed. The report is read, and never believed."""

import argparse
import os
import subprocess

import knobs
from errors import EXIT_DONE, UsageError, run_command
from interpreter import PYTHON
from profiles.targets import catalog
from profiles.targets.variants import parse_all, target_of
from reports.export.reproduce import ReproduceRequest, latest, read
from scripts.common_arguments import OPTIONS, parser_of, use_named


def main() -> int:
    arguments = parser_of("reproduce", __doc__, *OPTIONS, positional=("REPORT",)).parse_args()
    request = latest(arguments.runs_folder) if arguments.report is None else read(arguments.report)
    if arguments.command or arguments.url:  # what they speak and where they listen does no harm
        arguments.protocol, arguments.ports = request.knobs.get("PROTOCOL", "http"), request.knobs.get("PORTS")
    use_named(arguments, request.modes)
    request = _with_targets(request).with_named(_named(arguments))
    _check(request)
    print(f"run {request.run} (revision {request.revision}) came from:\n{request.command}", flush=True)
    if arguments.show:
        return EXIT_DONE
    where = [f"--runs-folder={arguments.runs_folder}", f"--reports-folder={arguments.reports_folder}"]
    where += [f"--root={arguments.root}"] if arguments.root else []
    where += [f"--run={arguments.run}"] if arguments.run else []
    where += ["--wait=1"] if arguments.wait else []
    return subprocess.run([*PYTHON, "-m", "scripts.load", *request.load_arguments, *where], check=False).returncode


def _with_targets(request: ReproduceRequest) -> ReproduceRequest:
    """With the file of external servers that the user names, or else the example that the report names, in force."""
    if catalog.VARIABLE not in os.environ:
        if request.targets is not None:
            catalog.use(str(catalog.PROJECT / request.targets))
        return request
    path = catalog.file_to_name(target_of(mode) for mode in request.modes)
    return request if path is None else request.with_targets(str(path))


def _named(arguments: argparse.Namespace) -> dict[str, str]:
    """The servers that the user names in one line, as variables of make."""
    words = [
        word for name in ("COMMAND", "URL") for word in knobs.KNOBS[name].variables(getattr(arguments, name.lower()))
    ]
    return dict(words)


def _check(request: ReproduceRequest) -> None:
    """That what it measured still exists here. Raises UsageError."""
    catalog.use_lab(map(target_of, request.modes))
    known = catalog.discover()
    if request.untaken_targets and any(target_of(mode) not in known for mode in request.modes):
        raise UsageError(
            f"the servers of this report stood in {request.untaken_targets}, a file of commands, which no report may "
            f"choose: give TARGETS={request.untaken_targets} if you trust that file"
        )
    if request.untaken and any(target_of(mode) not in known for mode in request.modes):
        raise UsageError(
            f"servers of this report were named in one line, which no report may choose: give "
            f"{' '.join(request.untaken)} to make reproduce if you trust it"
        )
    modes = {variant.mode for variant in parse_all(request.modes).values()}
    targets = {target.name: target for target in catalog.choose(sorted(modes))}
    for option in request.options:
        mode, _, rest = option.partition(".")
        name = rest.partition("=")[0]
        if mode not in targets or name not in targets[mode].facts.options:
            raise UsageError(f"{mode} has no option {name!r} here any more: the report comes from another revision")


if __name__ == "__main__":
    run_command(main)
