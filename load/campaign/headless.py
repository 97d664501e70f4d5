"""A campaign without a browser: `make load`."""

import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

from locust.env import Environment
from locust.exception import RPCError
from locust.runners import Runner

from errors import EXIT_DONE, EXIT_FAILED, UserError, printable
from load.agent.options import AgentOptions
from load.agent.remote import connect
from load.campaign.cpu_pinning import pin_this_process
from load.campaign.run_campaigns import run_campaigns
from load.campaign.settings import Settings
from load.context import LoadContext
from load.headless import run_headless
from load.progress_view import progress_view
from load.served_files import ServedFile
from load.workers.recruit import with_workers
from ports import require_free
from profiles.agent.access import Address
from profiles.store.records import Cell, Run
from profiles.store.run_folder import RUN_FILE, RunFolder
from profiles.targets.catalog import own_ports
from profiles.targets.mode_server import HOST
from reports.analysis.text import plural


def run(settings: Settings, file: ServedFile, folder: RunFolder, agent: AgentOptions | None = None) -> int:
    """Run the campaign; the exit code. agent: where servers run, None to serve the file from here. To be called with
    the machine's lock: the file is made now. Raises UserError before anything has run."""
    folder.refuse_existing()  # again: whoever had the lock may have made it
    root = Path() if agent else file.make()
    if agent is None and not settings.any_port:
        require_free(own_ports(settings.measured_modes), HOST, "free ones: leave out PORTS=fixed")

    def work(context: LoadContext) -> int:
        placement = pin_this_process(settings.placement, context.agent.on_other_machine)  # the agent is not pinned
        pinned = replace(settings, placement=placement)
        workers = with_workers(context.environment, settings.workers, settings.master, placement.load_cpus)
        with workers, progress_view() as report:
            cells = run_campaigns(context, pinned, folder, report)
            return _exit_code(cells, folder.read_run())

    return run_headless(
        partial(_make_runner, settings), partial(connect, agent, root), work, partial(_what_remains, folder)
    )


def _make_runner(settings: Settings, environment: Environment) -> Runner:
    """A runner with users of its own, or a master of workers. Raises UserError where no worker could reach it."""
    if not settings.workers:
        return environment.create_local_runner()
    master = settings.master or Address("127.0.0.1", 0)
    try:
        return environment.create_master_runner(master.host, master.port)
    except (SystemExit, RPCError, OSError) as error:  # Locust logs a busy port, and exits
        raise UserError(f"cannot wait for workers on {master}: give an address of this host and a free port") from error


def _exit_code(cells: list[Cell], run: Run) -> int:
    failed = [cell for cell in cells if cell.failures]
    measured = {cell.mode for cell in cells if cell.round}
    without = {void.mode: void.reason for void in run.voids if void.mode not in measured}
    for cell in failed:
        names = ", ".join(f"{count} × {name}" for name, count in cell.failure_names.items())
        print(printable(f"failures in round {cell.round}, {cell.mode}: {names}"), file=sys.stderr)
    for mode, reason in without.items():
        print(printable(f"{mode} has no result: {reason}"), file=sys.stderr)
    return EXIT_FAILED if failed or without else EXIT_DONE


def _what_remains(folder: RunFolder) -> str:
    """What is on disk of a run that ended early, and how to make its report."""
    if not (folder.path / RUN_FILE).exists():
        return "Nothing was measured."
    planned = folder.read_run()
    rounds = Counter(cell.round for cell in folder.read_cells())
    complete = sum(cells == len(planned.targets) for cells in rounds.values())
    if complete == 0:
        return f"No round was completed; the records are in {folder.path}."
    how = f"`make report RUN={folder.path.name}` builds their report"
    verb = "is" if complete == 1 else "are"
    return f"{complete} of {plural(len(planned.order), 'round')} {verb} complete and kept: {how}"
