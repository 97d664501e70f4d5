"""What can be asked of a campaign, and how it becomes Settings: one way for `make load` and for the page.

Its rule: everything that was left to a default or to chance is decided here, once, and stands in the command that
repeats the run. A knob is called here as its make variable is, in small letters.
"""

import os
import random
import re
import shlex
from dataclasses import dataclass, field, replace
from datetime import datetime

from errors import UsageError
from load.campaign.cpu_pinning import choose, of_workers_elsewhere
from load.campaign.settings import Cache, Settings
from load.users import pacing
from load.users.connection import SINKS, Sink
from profiles.agent.access import is_loopback, parse_address
from profiles.targets import catalog
from units import parse_size

BASELINE = "read-send"
FEW_MODES = 4
# Many modes share the three minutes that a campaign may take, and what disturbs a machine goes on for seconds: short
# cells are nearer to each other. A window waits for whole cycles (load/campaign/cell_runner.py), so that both are the least there is.
WINDOW_S = {"few": 2.0, "many": 0.3}
WARM_UP_S = {"few": 0.5, "many": 0.25}
PROFILE_S = 3
USERS = 4
NOT_FOR_COLD = ("users", "window", "warm_up", "profile")  # a cold cell has none of these
RETRIES = 2
TARGET_HALF_WIDTH = 0.05  # method.md §4
COURSE_MODES = ("read-send", "sendfile", "read-whole")
CACHES = ("warm", "cold")
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

LIMITS = {
    "rounds": (1, 1000),
    "users": (1, 2000),
    "window": (0.2, 3600),
    "warm_up": (0, 600),
    "profile": (0, 600),
    "precision": (0, 1),
    "retries": (0, 10),
    "workers": (0, 256),
    "gib_per_day": (0.001, 10**12),
}


@dataclass(frozen=True, slots=True)
class CampaignOptions:
    """As they were turned; None where a default depends on others (see with_defaults).

    modes: names, or "course" or "all" alone. window, warm_up and profile in seconds. option: MODE.NAME=SIZE, several.
    workers: processes to spread the users over, 0 for one that does it all; master: HOST:PORT, where to wait for them
    if they are started elsewhere. agent: HOST:PORT of one on another host, with what it takes to talk to it
    (load/agent/remote.py); made: by which knobs that host was made, if it was (load/netns/namespaces.py).
    """

    modes: tuple[str, ...] = ("course",)
    baseline: str | None = None
    rounds: int = 12
    precision: float = TARGET_HALF_WIDTH
    retries: int = RETRIES
    calibrate: bool = False
    pace: str = "saturated"
    cache: Cache = "warm"
    window: float | None = None
    warm_up: float | None = None
    profile: int | None = None
    users: int | None = None
    sink: Sink = "discard"
    option: tuple[str, ...] = ()
    gib_per_day: float | None = None
    seed: int = field(default_factory=lambda: random.randrange(1 << 32))
    pin: bool = True
    any_port: bool = False
    workers: int = 0
    master: str | None = None
    agent: str | None = None
    agent_token_file: str | None = None
    agent_ca: str | None = None
    made: str = ""


def new_name() -> str:
    """What a run is called when nobody names it: the time of day."""
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S")


def resolve(options: CampaignOptions, file_bytes: int) -> Settings:
    """What the campaign is to do. file_bytes: of the served file, for what repeats the run. Raises UsageError."""
    modes = modes_of(options.modes, options.baseline)
    check(options)
    options = with_defaults(options, len(modes))
    assert options.window is not None and options.warm_up is not None
    assert options.profile is not None and options.users is not None
    return Settings(
        modes=modes,
        named=options.modes != ("all",),
        rounds=options.rounds,
        window_s=options.window,
        warm_up_s=options.warm_up,
        profile_s=options.profile,
        users=options.users,
        sink=options.sink,
        seed=options.seed,
        command=repeating_command(options, modes, file_bytes),
        options=options_of(options.option, modes),
        gib_per_day=options.gib_per_day,
        any_port=options.any_port,
        precision=options.precision,
        retries=options.retries,
        calibrate=options.calibrate,
        pace=pacing.parse(options.pace),
        cache=options.cache,
        workers=options.workers,
        master=parse_address(options.master) if options.master else None,
        placement=(
            of_workers_elsewhere()
            if options.master
            else choose(os.sched_getaffinity(0), wanted=options.pin, workers=options.workers)
        ),
    )


def modes_of(given: tuple[str, ...], baseline: str | None) -> tuple[str, ...]:
    """The modes to measure, the baseline first; "course" and "all" stand for several. Raises UsageError."""
    several = {"course": list(COURSE_MODES), "all": list(catalog.discover())}
    named = several.get(given[0], list(given)) if len(given) == 1 else list(given)
    names = [target.name for target in catalog.choose(named)]
    first = baseline or (BASELINE if BASELINE in names else names[0])
    if first not in names:
        raise UsageError(f"the baseline {first!r} is not among the modes: {' '.join(names)}")
    return (first, *(name for name in names if name != first))


def check(options: CampaignOptions) -> None:
    """Raises UsageError for what no campaign can be asked for."""
    for name, (least, most) in LIMITS.items():
        value = getattr(options, name)
        if value is not None and not least <= value <= most:
            raise UsageError(f"{name.upper()}={value}: give {least} to {most}")
    for name, choices in (("sink", SINKS), ("cache", CACHES)):
        if getattr(options, name) not in choices:
            raise UsageError(f"{name.upper()}={getattr(options, name)!r}: choose one of {', '.join(choices)}")
    unfit = [name for name in NOT_FOR_COLD if getattr(options, name) is not None]
    unfit += ["workers"] if options.workers else []
    unfit += ["pace"] if pacing.parse(options.pace) != pacing.SATURATED else []
    if options.cache == "cold" and unfit:
        names = ", ".join(unfit).upper()
        raise UsageError(f"CACHE=cold measures one download by one user in each cell: leave out {names}")
    if options.master and not options.workers:
        raise UsageError("MASTER=HOST:PORT waits for workers from elsewhere: say how many, with WORKERS=n")
    if options.master and not options.agent and not is_loopback(parse_address(options.master).host):
        raise UsageError(
            f"MASTER={options.master} waits for workers of other hosts, which cannot reach servers on this one's "
            f"loopback: give AGENT=host:port too, or MASTER=127.0.0.1:port"
        )
    if options.workers and options.users is not None and options.users % options.workers:
        raise UsageError(f"USERS={options.users} cannot be divided among WORKERS={options.workers}: give a multiple")


def check_run_name(name: str) -> None:
    """Raises UsageError for what is no name of a folder."""
    if not RUN_NAME.fullmatch(name):
        raise UsageError(f"RUN={name!r} is no name for a folder: letters, digits, dot, dash and underscore will do")


def with_defaults(options: CampaignOptions, modes: int) -> CampaignOptions:
    """With the defaults that depend on others. A cold cell is one download by one user, and too short for py-spy."""
    if options.cache == "cold":
        return replace(options, users=1, window=0.0, warm_up=0.0, profile=0)
    many = "few" if modes <= FEW_MODES else "many"
    return replace(
        options,
        users=_users(options.workers) if options.users is None else options.users,
        profile=PROFILE_S if options.profile is None else options.profile,
        window=WINDOW_S[many] if options.window is None else options.window,
        warm_up=WARM_UP_S[many] if options.warm_up is None else options.warm_up,
    )


def _users(workers: int) -> int:
    """The default, rounded up to where each worker has as many."""
    return -(-USERS // workers) * workers if workers else USERS


def options_of(given: tuple[str, ...], modes: tuple[str, ...]) -> dict[str, dict[str, int]]:
    """MODE.NAME=SIZE, several times, as sizes by mode and name. Raises UsageError."""
    known = catalog.discover()
    options: dict[str, dict[str, int]] = {}
    for text in given:
        mode, dot, rest = text.partition(".")
        name, equals, size = rest.partition("=")
        if not dot or not equals or mode not in modes or name not in known[mode].facts.options:
            raise UsageError(
                f"--option {text!r} is not MODE.NAME=SIZE of a mode that is measured, like read-send.chunk=64KiB"
            )
        options.setdefault(mode, {})[name] = parse_size(size)
        known[mode].check(options[mode])
    return options


def repeating_command(options: CampaignOptions, modes: tuple[str, ...], file_bytes: int) -> str:
    """What repeats this run, but for its pace. options: filled in."""
    cold = options.cache == "cold"
    said: dict[str, object] = {
        "MODES": " ".join(modes),
        "ROUNDS": options.rounds,
        **({"CACHE": "cold"} if cold else {"WINDOW": f"{options.window:g}", "USERS": options.users}),
        "SINK": options.sink,
        **({} if options.agent and not options.made else {"SIZE": file_bytes}),  # an agent has its own file
        "SEED": options.seed,
    }
    said |= {"WARM_UP": f"{options.warm_up:g}"} if not cold and options.warm_up != WARM_UP_S["few"] else {}
    said |= {"PROFILE": options.profile} if not cold and options.profile != PROFILE_S else {}
    said |= {"BASELINE": modes[0]} if modes[0] != BASELINE else {}
    said |= {"GIB_PER_DAY": f"{options.gib_per_day:.12g}"} if options.gib_per_day is not None else {}
    said |= {"PRECISION": f"{options.precision:g}"} if options.precision != TARGET_HALF_WIDTH else {}
    said |= {"RETRIES": options.retries} if options.retries != RETRIES else {}
    said |= {"CALIBRATE": 1} if options.calibrate else {}
    said |= {} if options.pin else {"PIN": 0}
    said |= {"TARGETS": catalog.file()} if any(catalog.is_guest_of_a_file(mode) for mode in modes) else {}
    said |= {"WORKERS": options.workers} if options.workers else {}
    said |= {"MASTER": options.master} if options.master else {}
    remote = {name: getattr(options, name.lower()) for name in ("AGENT", "AGENT_TOKEN_FILE", "AGENT_CA")}
    said |= {name: value for name, value in remote.items() if value} if options.agent and not options.made else {}
    said |= dict(word.split("=", 1) for word in options.made.split())
    said |= {"OPTIONS": " ".join(options.option)} if options.option else {}
    return "make load " + " ".join(f"{name}={shlex.quote(str(value))}" for name, value in said.items())
