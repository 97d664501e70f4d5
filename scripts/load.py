"""make load: a campaign without a browser, then its report.

Every round downloads from every mode once, in balanced order; then each mode is profiled under the same load.
Exit codes: 0 done, 1 failures in the load or a mode above a limit of MAX, 2 wrong usage, 3 a limit that could not be
judged, 130 interrupted.
"""

import argparse
import signal
import subprocess
import sys

from errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, UsageError, run_command
from interpreter import PYTHON
from load.agent.options import AgentOptions
from load.campaign import headless
from load.campaign.options import check_run_name, new_name, resolve, without_interval
from load.campaign.settings import Settings
from load.netns import campaign as between_namespaces
from load.netns.namespaces import Link
from load.served_files import PACED_SIZE, SIZE, ServedFile
from machine_lock import campaign_lock
from profiles.store.run_folder import RunFolder
from profiles.targets import catalog
from scripts.common_arguments import OPTIONS, build_report, check_report, parse, parser_of

MOST_AS_LARGE_BYTES = 1 << 30


def main() -> int:
    arguments = _arguments()
    check_run_name(arguments.run)
    file = ServedFile.asked_for(arguments, SIZE if arguments.pace == "saturated" else PACED_SIZE)
    settings = resolve(arguments, file.now_bytes)
    check_report()
    folder = RunFolder(arguments.runs_folder / arguments.run)
    folder.refuse_existing()
    if arguments.inside_netns:  # the command outside has the lock
        return _measure(arguments, settings, file, folder)
    with campaign_lock(arguments.run, wait=arguments.wait):
        if arguments.netns:
            return _between_namespaces(arguments, file)
        return _measure(arguments, settings, file, folder)


def _measure(arguments: argparse.Namespace, settings: Settings, file: ServedFile, folder: RunFolder) -> int:
    """The campaign and its report; the exit code. With the machine's lock: a report would disturb another campaign."""
    agent = AgentOptions.read(arguments.agent, arguments.agent_token_file, arguments.agent_ca)
    if line := without_interval(settings, len(arguments.max)):
        print(line, file=sys.stderr)
    code = headless.run(settings, file, folder, agent)
    if code in (EXIT_DONE, EXIT_FAILED) and folder.path.exists() and folder.read_cells():  # a failed one says why
        try:
            report_code = build_report(arguments, arguments.run)
            judged = _gate(arguments) if report_code == EXIT_DONE else report_code
            code = code or judged
        except KeyboardInterrupt:
            print(
                f"interrupted. All rounds are kept: `make report RUN={arguments.run}` makes the report", file=sys.stderr
            )
            code = EXIT_INTERRUPTED
    return code


def _gate(arguments: argparse.Namespace) -> int:
    """The exit code of the limits that were given; 0 without any."""
    if not arguments.max:
        return EXIT_DONE
    words = ["--run", arguments.run, "--max", *arguments.max, f"--strict={arguments.strict:d}"]
    folders = ["--runs-folder", str(arguments.runs_folder), "--reports-folder", str(arguments.reports_folder)]
    return subprocess.run([*PYTHON, "-m", "scripts.gate", *words, *folders], check=False).returncode


def _arguments() -> argparse.Namespace:
    parser = parser_of("load", __doc__, *OPTIONS)
    parser.add_argument("--inside-netns", action="store_true", help=argparse.SUPPRESS)
    arguments = parse(parser)
    arguments.run = arguments.run or new_name()
    if not arguments.netns and (arguments.rate or arguments.mtu):
        raise UsageError("RATE and MTU are of the link that NETNS=1 makes: give NETNS=1 too, or leave them out")
    if arguments.strict and not arguments.max:
        raise UsageError("STRICT=1 is for limits: give MAX=a/b<=1.05 too, or leave it out")
    if arguments.netns and arguments.agent and not arguments.inside_netns:
        raise UsageError("NETNS=1 makes a host for the servers: leave out AGENT, or NETNS")
    if arguments.url and (arguments.agent or arguments.netns):
        raise UsageError("URL is of a server on this machine: leave out AGENT and NETNS, or name it in a targets.toml")
    if arguments.protocol == "raw" and (arguments.agent or arguments.netns):
        raise UsageError("PROTOCOL=raw is of a server on this machine: leave out AGENT and NETNS, or use targets.toml")
    if (arguments.url or arguments.command) and not arguments.size and not arguments.root:
        arguments.size = _size_of(arguments.modes)
    if arguments.agent and arguments.size and not arguments.inside_netns:
        raise UsageError("the file is on the agent's machine: give SIZE to `make agent` there, and leave it out here")
    return arguments


def _size_of(modes: list[str]) -> str | None:
    """Of the test file, beside a server that sends a file of its own: as large as that, within reason."""
    known = catalog.discover()
    sizes = [known[mode].facts.size_bytes for mode in modes if mode in known and known[mode].facts.size_bytes]
    return str(min(sizes[0], MOST_AS_LARGE_BYTES)) if sizes and sizes[0] else None


def _between_namespaces(arguments: argparse.Namespace, file: ServedFile) -> int:
    """The same command once more, in a network namespace of its own. Needs root."""
    link = Link.parse(arguments.rate, arguments.mtu)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # ends in order, as Ctrl-C does
    load = ["-m", "scripts.load", "--inside-netns", f"--run={arguments.run}", *sys.argv[1:]]
    return between_namespaces.run(load, file.make(), link)


if __name__ == "__main__":
    run_command(main)
