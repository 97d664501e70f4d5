"""A sweep without a browser: `make sweep`, begun or gone on with.

Its rule: as for a campaign (load/campaign/headless.py), everything that was started is stopped whatever happens, and what is
complete is kept; a sweep that was cut short goes on where it ended.
"""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from locust.env import Environment
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from errors import EXIT_DONE, EXIT_INTERRUPTED, UserError
from load.agent.local import LocalAgent
from load.campaign.cell_runner import start_watching
from load.campaign.cpu_pinning import choose, pin_this_process
from load.campaign.settings import Settings, now
from load.process import campaign_lock, raise_limit_on_files
from load.signals import raise_in_main_greenlet
from load.sweep.axes import file_bytes
from load.sweep.files import Served, serving
from load.sweep.sweeper import SweepRun, check_same_machine
from load.users.locust_users import user_classes
from profiles.store.records import State
from profiles.store.sweep_folder import Session, Sweep, SweepFolder

MACHINE = ("cpu_model", "cpus", "kernel")


def run(
    sweep: Sweep, folder: SweepFolder, minutes: float, files: Path, make: Callable[[Path, int], None], any_port: bool
) -> int:
    """One sitting of a sweep, new or begun; the exit code. Raises UserError before anything has run."""
    if not folder.exists:
        folder.refuse_existing()
    with campaign_lock(any_port), serving(files, make) as served:
        return _run_session(sweep, folder, minutes, served, any_port)


def _run_session(sweep: Sweep, folder: SweepFolder, minutes: float, served: Served, any_port: bool) -> int:
    raise_limit_on_files()
    logging.getLogger("locust").setLevel(logging.ERROR)
    users = user_classes()
    environment = Environment(user_classes=list(users.values()), stop_timeout=0)
    runner = environment.create_local_runner()
    raise_in_main_greenlet(signal.SIGINT, signal.SIGTERM)
    try:
        served.put(file_bytes(sweep, sweep.points[0]))
        host = LocalAgent(served.path)
        try:
            start_watching(host, os.getpid())
            with _sitting(_begun(sweep, folder, host), folder, minutes) as said, _progress(minutes) as progress:
                settings = _settings(folder.read(), any_port)  # pins, after the agent, which is free
                sweeper = SweepRun(environment, users, host, served, folder, settings, progress)
                said.append(sweeper.run(minutes))
        finally:
            runner.quit()
            host.close()
    except KeyboardInterrupt:
        print(f"interrupted. {what_remains(folder)}", file=sys.stderr)
        return EXIT_INTERRUPTED
    except UserError as error:
        print(f"error: {error}. {what_remains(folder)}".replace("..", "."), file=sys.stderr)
        return error.exit_code
    print(f"{said[0]}. {what_remains(folder)}", file=sys.stderr)
    return EXIT_DONE


def _begun(sweep: Sweep, folder: SweepFolder, agent: LocalAgent) -> Sweep:
    """The sweep with what the machine says; its folder is there from now on. Raises UserError where it cannot be."""
    facts = agent.facts().host
    if folder.exists:
        check_same_machine(sweep, facts)
        return sweep
    proofs = tuple(agent.prove(mode) for mode in sweep.modes)
    for proof in proofs:
        if proof.state == "missing":
            raise UserError(f"{proof.mode} is missing on this machine: {proof.reason}")
    folder.create()
    return replace(sweep, proofs=proofs, host={name: facts.get(name) for name in MACHINE})


@contextlib.contextmanager
def _sitting(sweep: Sweep, folder: SweepFolder, minutes: float) -> Iterator[list[str]]:
    """Keeps the record of it, however it ends. What is appended to the list is why it ended in order."""
    begun = Session(now(), minutes)
    sittings = sweep.sittings
    folder.write(replace(sweep, state="running", sittings=(*sittings, begun)))
    end: tuple[State, str] = ("interrupted", "interrupted")
    said: list[str] = []
    try:
        yield said
        end = ("done", said[0])
    except UserError as error:
        end = ("failed", str(error))
        raise
    finally:
        ended = replace(begun, ended_at=now(), reason=end[1])
        folder.write(replace(sweep, state=end[0], sittings=(*sittings, ended)))


def _settings(sweep: Sweep, any_port: bool) -> Settings:
    """What every cell of the sweep is measured with; moves this process to the load's CPU."""
    placement = pin_this_process(choose(os.sched_getaffinity(0), wanted=sweep.pin))
    return Settings(
        modes=sweep.modes,
        named=True,
        rounds=sweep.most_rounds,
        window_s=sweep.window_s,
        warm_up_s=sweep.warm_up_s,
        profile_s=0,
        users=sweep.users,
        sink=sweep.sink,
        seed=sweep.seed,
        command=sweep.command,
        options=sweep.options,
        any_port=any_port,
        placement=placement,
    )


def what_remains(folder: SweepFolder) -> str:
    """What is kept by now, and what can be done with it."""
    if not folder.exists:
        return "Nothing was measured."
    sweep, name = folder.read(), folder.path.name
    rounds = [len(found.read_run().order) for value in sweep.values if (found := folder.point(value)).path.exists()]
    of_rounds, of_points = sum(rounds), len(rounds)
    kept = f"Kept: {of_rounds} round{'s' * (of_rounds != 1)} at {of_points} point{'s' * (of_points != 1)}"
    return f"{kept}; `make sweep RUN={name}` goes on, `make report RUN={name}` makes their report"


@contextlib.contextmanager
def _progress(minutes: float) -> Iterator[Callable[[str], None]]:
    """A bar of the time; drawn when a round begins and not in between, since drawing costs the client CPU."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn(f"of {minutes:g} min"),
    )
    bar = Progress(*columns, console=console, auto_refresh=False, disable=not console.is_terminal)
    task, began_s = bar.add_task("starting", total=60 * minutes), time.monotonic()

    def report(description: str) -> None:
        bar.update(task, completed=time.monotonic() - began_s, description=description)
        bar.refresh()
        if bar.disable:
            print(description, file=sys.stderr)

    with bar:
        yield report
