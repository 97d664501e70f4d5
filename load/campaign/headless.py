"""A campaign without a browser: `make load`.

Its rule: whatever happens, everything that was started is stopped, the rounds that are complete are kept, and the
exit code says how it went: 0 done, 1 failures in the load, 2 wrong usage, 130 interrupted.
"""

import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from locust.env import Environment
from locust.exception import RPCError
from locust.runners import Runner
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from errors import EXIT_DONE, EXIT_FAILED, EXIT_INTERRUPTED, UserError
from load.agent.client import AgentClient
from load.agent.options import AgentOptions
from load.agent.remote import connect
from load.campaign.cell_runner import start_watching
from load.campaign.cpu_pinning import between_machines, pin_this_process
from load.campaign.run_campaigns import carry_out, expected_s
from load.campaign.settings import Settings
from load.process import campaign_lock, raise_limit_on_files
from load.signals import raise_in_main_greenlet
from load.users.locust_users import user_classes
from load.workers.recruit import with_workers
from profiles.agent.access import Address
from profiles.store.records import Cell
from profiles.store.run_folder import RUN_FILE, RunFolder


def run(settings: Settings, root: Path, folder: RunFolder, agent: AgentOptions | None = None) -> int:
    """Run the campaign and say how far it came; the exit code. agent: where servers run, None for here, from root.
    Raises UserError before anything has run."""
    folder.refuse_existing()
    with campaign_lock(settings.any_port):
        return _run(settings, partial(connect, agent, root), folder)


def _run(settings: Settings, make_host: Callable[[], AgentClient], folder: RunFolder) -> int:
    raise_limit_on_files()
    logging.getLogger("locust").setLevel(logging.ERROR)
    console = Console(stderr=True)
    users = user_classes()
    environment = Environment(user_classes=list(users.values()), stop_timeout=0)
    runner = _runner(environment, settings)
    raise_in_main_greenlet(signal.SIGINT, signal.SIGTERM)
    try:
        host = make_host()
        try:
            start_watching(host, os.getpid())
            placement = between_machines(settings.placement) if host.apart else settings.placement
            settings = replace(settings, placement=pin_this_process(placement))  # after the agent, which is free
            with with_workers(environment, settings), _progress(console) as progress:
                report = _reporter(progress, expected_s(settings, folder))
                cells = carry_out(environment, users, host, settings, folder, report)
        finally:
            runner.quit()
            host.close()
    except KeyboardInterrupt:
        print(f"interrupted. {_what_remains(folder)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except UserError as error:
        print(f"error: {error}. {_what_remains(folder)}".replace("..", "."), file=sys.stderr)
        return error.exit_code
    return _judge(cells)


def _runner(environment: Environment, settings: Settings) -> Runner:
    """One that has its users here, or one of workers. Raises UserError where those could not reach it."""
    if not settings.workers:
        return environment.create_local_runner()
    master = settings.master or Address("127.0.0.1", 0)
    try:
        return environment.create_master_runner(master.host, master.port)
    except (SystemExit, RPCError, OSError) as error:  # Locust logs a busy port, and exits
        raise UserError(f"cannot wait for workers on {master}: give an address of this host and a free port") from error


def _judge(cells: list[Cell]) -> int:
    failed = [cell for cell in cells if cell.failures]
    for cell in failed:
        names = ", ".join(f"{count} × {name}" for name, count in cell.failure_names.items())
        print(f"failures in round {cell.round}, {cell.mode}: {names}", file=sys.stderr)
    return EXIT_FAILED if failed else EXIT_DONE


def _what_remains(folder: RunFolder) -> str:
    """What was kept of a run that ended early, and how to make a report of it."""
    if not (folder.path / RUN_FILE).exists():
        return "Nothing was measured."
    planned = folder.read_run()
    rounds = Counter(cell.round for cell in folder.read_cells())
    complete = sum(cells == len(planned.targets) for cells in rounds.values())
    if complete == 0:
        return f"No round was complete; what there is lies in {folder.path}."
    return (
        f"{complete} of {len(planned.order)} rounds are complete and kept: "
        f"`make report RUN={folder.path.name}` makes their report"
    )


def _progress(console: Console) -> Progress:
    """A bar with the time left; drawn when a cell ends and not in between, since drawing costs the client CPU."""
    columns = (TextColumn("{task.description:<30}"), BarColumn(), TimeElapsedColumn(), TextColumn("left:"))
    return Progress(
        *columns, TimeRemainingColumn(), console=console, auto_refresh=False, disable=not console.is_terminal
    )


def _reporter(progress: Progress, expected_s: float) -> Callable[[float, str], None]:
    task = progress.add_task("starting", total=expected_s)

    def report(done_s: float, description: str) -> None:
        progress.update(task, advance=done_s, description=description)
        progress.refresh()
        if progress.disable and done_s == 0:
            print(description, file=sys.stderr)

    return report
