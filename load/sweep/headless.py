"""A sweep without a browser: `make sweep`, new or continued.

Its rule: as for a campaign (load/headless.py), and a sweep that was cut short continues where it ended.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from locust.env import Environment

from errors import EXIT_DONE, UserError
from load.agent.client import AgentClient
from load.agent.local import LocalAgent
from load.campaign.cpu_pinning import choose, pin_this_process
from load.campaign.settings import Settings, now
from load.context import LoadContext
from load.headless import run_headless
from load.progress_view import progress_view
from load.served_files import served_link
from load.sweep.axes import file_bytes, variants
from load.sweep.forecast import forecast
from load.sweep.sweeper import SweepRun
from ports import require_free
from profiles.store.records import State
from profiles.store.sweep_folder import Session, Sweep, SweepFolder
from profiles.targets.catalog import own_ports
from profiles.targets.mode_server import HOST

MACHINE = ("cpu_model", "cpus", "kernel")


def run(sweep: Sweep, folder: SweepFolder, minutes: float, root: Path, any_port: bool) -> int:
    """One session of a sweep, new or continued; the exit code. root: has a folder for each size. To be called with the
    machine's lock. Raises UserError before anything has run."""
    if not folder.exists:
        folder.refuse_existing()
    with served_link(root) as served:

        def connect() -> AgentClient:
            served.serve(file_bytes(sweep, sweep.points[0]))
            if not any_port:
                require_free(own_ports(sweep.modes), HOST, "free ones: leave out PORTS=fixed")
            return LocalAgent(served.path)

        def work(context: LoadContext) -> int:
            begun = _begin(sweep, folder, context.agent)
            done = [_rounds(folder, value) or 0 for value in begun.points]
            print(forecast(begun, done, len(variants(begun, begun.points[0])), minutes), file=sys.stderr)
            with _session(begun, folder, minutes) as end_reason, progress_view() as report:
                settings = _settings(folder.read(), any_port)  # pins the load, after the agent, which is not pinned
                end_reason.append(SweepRun(context, settings, folder, served, report).run(minutes))
            print(f"{end_reason[0]}. {what_remains(folder)}", file=sys.stderr)
            return EXIT_DONE

        return run_headless(Environment.create_local_runner, connect, work, partial(what_remains, folder))


def _begin(sweep: Sweep, folder: SweepFolder, agent: AgentClient) -> Sweep:
    """The sweep with proofs and facts of the machine; creates its folder. Raises UserError where it cannot run here."""
    facts = agent.facts().host
    if folder.exists:
        for name, before in sweep.host.items():
            if (here := facts.get(name)) != before:
                raise UserError(
                    f"sweep {sweep.name!r} was begun with {name} {before!r}, and here it is {here!r}: points of "
                    f"different machines do not make one curve; start another sweep with RUN=name"
                )
        return sweep
    proofs = tuple(agent.prove(mode) for mode in sweep.modes)
    for proof in proofs:
        if proof.refusal:
            raise UserError(proof.refusal)
    folder.create()
    return replace(sweep, proofs=proofs, host={name: facts.get(name) for name in MACHINE})


@contextlib.contextmanager
def _session(sweep: Sweep, folder: SweepFolder, minutes: float) -> Iterator[list[str]]:
    """Records the session, however it ends. Append to the list why it ended in order."""
    begun = Session(now(), minutes)
    sessions = sweep.sittings
    folder.write(replace(sweep, state="running", sittings=(*sessions, begun)))
    end: tuple[State, str] = ("interrupted", "interrupted")
    end_reason: list[str] = []
    try:
        yield end_reason
        end = ("done", end_reason[0])
    except UserError as error:
        end = ("failed", str(error))
        raise
    finally:
        ended = replace(begun, ended_at=now(), reason=end[1])
        folder.write(replace(sweep, state=end[0], sittings=(*sessions, ended)))


def _settings(sweep: Sweep, any_port: bool) -> Settings:
    """What every cell of the sweep is measured with; moves this process to the load's CPU."""
    placement = pin_this_process(choose(os.sched_getaffinity(0), wanted=sweep.pin))
    return Settings(
        modes=sweep.modes,
        variants=variants(sweep, sweep.points[0]),
        rounds=sweep.most_rounds,
        window_s=sweep.window_s,
        warm_up_s=sweep.warm_up_s,
        users=sweep.users,
        sink=sweep.sink,
        seed=sweep.seed,
        command=sweep.command,
        any_port=any_port,
        placement=placement,
    )


def what_remains(folder: SweepFolder) -> str:
    if not folder.exists:
        return "Nothing was measured."
    sweep, name = folder.read(), folder.path.name
    rounds = [known for value in sweep.values if (known := _rounds(folder, value)) is not None]
    of_rounds, of_points = sum(rounds), len(rounds)
    saved = f"Saved: {of_rounds} round{'s' * (of_rounds != 1)} at {of_points} point{'s' * (of_points != 1)}"
    return f"{saved}; `make sweep RUN={name}` continues, `make report RUN={name}` builds the report"


def _rounds(folder: SweepFolder, value: int) -> int | None:
    """How many rounds a point has; None where it was not begun."""
    point = folder.point(value)
    return len(point.read_run().order) if point.path.exists() else None
