"""make course: the chapter's own comparison, the whole file read and then sent, against sendfile.

A short campaign of the two, whose result is said in the chapter's words; then the students' page.
"""

import argparse
import signal
import subprocess
import time

from errors import EXIT_DONE, UserError, run_command
from interpreter import PYTHON
from profiles.store.run_folder import RunFolder
from reports import open_report, run_data
from reports.students import time_taken
from reports.students.page import STUDENTS_FILE
from scripts.common_arguments import FOLDERS, parse, parser_of

MODES = ("read-whole", "sendfile")
ROUNDS = 24  # at most: SECONDS ends it before
ONE_CLIENT = ("--users=1", "--sink=copy")  # that keeps what it receives, as the course's does


def main() -> int:
    arguments = parse(parser_of("course", __doc__, "--root", *FOLDERS))
    run = arguments.run or time.strftime("course_%Y-%m-%d_%H-%M-%S")
    if code := _measure(arguments, run):
        return code
    try:
        for line in time_taken.lines(run_data.read_run(RunFolder(arguments.runs_folder / run))):
            print(line)
    finally:
        _open(arguments, run)
    return EXIT_DONE


def _measure(arguments: argparse.Namespace, run: str) -> int:
    """The exit code of the campaign, to which whatever would end this process is left."""
    words = ["--modes", *MODES, *ONE_CLIENT, f"--size={arguments.size}", f"--seconds={arguments.seconds:g}"]
    words += [f"--rounds={ROUNDS}", f"--profile={arguments.profile:g}", f"--wait={arguments.wait:d}", f"--run={run}"]
    words += [f"{name}={getattr(arguments, name[2:].replace('-', '_'))}" for name in FOLDERS]
    words += [f"--root={arguments.root}"] if arguments.root else []
    load = subprocess.Popen([*PYTHON, "-m", "scripts.load", *words])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: load.send_signal(number))
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to both
    return load.wait()


def _open(arguments: argparse.Namespace, run: str) -> None:
    page = open_report.find(arguments.reports_folder, arguments.runs_folder, run).with_name(STUDENTS_FILE)
    if not page.exists():
        raise UserError(f"{page} is missing: `make report RUN={run}` builds it")
    reason = open_report.show(page)
    print(f"students' page: {page}" + (f" ({reason}: open it yourself)" if reason else ""))


if __name__ == "__main__":
    run_command(main)
