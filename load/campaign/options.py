"""What can be asked of a campaign (knobs.py), and how it becomes Settings: one way for `make load` and for the page.

Its rule: everything that was left to a default or to chance is decided here, once, and stands in the command that
repeats the run.
"""

import math
import os
import random
import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime

import knobs
from errors import UsageError, suggestion
from load.campaign.cpu_pinning import WORKERS_ELSEWHERE, choose
from load.campaign.settings import ROUND_S, Settings
from load.users import pacing
from profiles.agent.access import is_loopback, parse_address
from profiles.targets import catalog
from profiles.targets.variants import Variant, canonical, parse_all, target_of
from reports.analysis import limits
from reports.analysis.paired_ratio import FAMILY_CONFIDENCE, family_confidence, rounds_needed
from reports.analysis.text import plural
from units import parse_size

BASELINE = "read-send"
PROFILE_S, LEAST_PROFILE_S = 1, 0.1
ROUNDS = 24
RETRIES = 1
USERS = 4
QUICK_ROUNDS = 6
QUICK_ROUND_S = 1.5
QUICK_SLICE_S = 0.03
SETTINGS_AS_ASKED = (
    *("rounds", "users", "sink", "seed", "precision", "retries", "cache", "workers", "seconds", "quick"),
)
NOT_FOR_COLD = ("users", "slice", "warm_up", "profile")  # a cold slice is one download by one user
COURSE_MODES = ("read-send", "sendfile", "read-whole")
RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def new_name() -> str:
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S")


def resolve(asked: Namespace, file_bytes: int) -> Settings:
    """What the campaign is to do. asked: the knobs of `load`. file_bytes: of the served file, for the
    command that repeats the run. Raises UsageError for what no campaign can be asked for."""
    variants = _from_both(asked, variants_of(asked.modes, asked.options))
    modes = tuple(variants)
    baseline = _baseline(asked.baseline, modes)
    _check(asked)
    _check_limits(asked.max, modes)
    options = with_defaults(asked)
    if options.calibrate:
        variants |= _duplicate(variants[baseline], variants)
    allowed = os.sched_getaffinity(0)
    return Settings(
        modes=modes,
        baseline=baseline,
        variants=variants,
        named=tuple(options.modes) != ("all",),
        slice_s=QUICK_SLICE_S if options.quick and not options.slice else options.slice,
        window_s=options.window or 0.0,
        warm_up_s=options.warm_up,
        round_s=QUICK_ROUND_S if options.quick else ROUND_S,
        profile_s=options.profile,
        command=repeating_command(options, modes, baseline, file_bytes),
        gib_per_day=options.gib_per_day,
        calibrate=options.calibrate,
        any_port=options.ports != "fixed",
        pace=pacing.parse(options.pace),
        **{name: getattr(options, name) for name in SETTINGS_AS_ASKED},
        master=parse_address(options.master) if options.master else None,
        placement=WORKERS_ELSEWHERE if options.master else choose(allowed, options.pin, options.workers),
    )


def variants_of(given: Sequence[str], options: Sequence[str]) -> dict[str, Variant]:
    """What is measured by name, in this order; "course" and "all" stand for several modes. Raises UsageError."""
    finished = [name for name in catalog.discover() if name not in catalog.in_the_lab()]
    several = {"course": list(COURSE_MODES), "all": finished}
    named = [mode for name in given for mode in several.get(name, [name])]
    modes = [target.name for target in catalog.choose(list(dict.fromkeys(map(target_of, named))))]
    return parse_all(named, options_of(options, modes))


def _from_both(asked: Namespace, variants: dict[str, Variant]) -> dict[str, Variant]:
    """With CACHE=both each mode from the page cache, then each from the disk. Raises UsageError where only some are
    named so without it."""
    if asked.cache == "both":
        return variants | {one.cold.name: one.cold for one in variants.values()}
    if cold := next((one.name for one in variants.values() if one.is_cold), None):
        raise UsageError(f"{cold} is read from the disk beside modes from the page cache: give CACHE=both too")
    return variants


def _baseline(asked: str | None, modes: tuple[str, ...]) -> str:
    """What the others are compared with. Raises UsageError where that is not measured."""
    if asked is None:
        return BASELINE if BASELINE in modes else modes[0]
    if (named := canonical(asked)) not in modes:
        raise UsageError(f"the baseline {named!r} is not among the modes: {' '.join(modes)}{suggestion(named, modes)}")
    return named


def _duplicate(baseline: Variant, variants: Mapping[str, Variant]) -> dict[str, Variant]:
    """The baseline once more, which is never judged. Raises UsageError where it is asked for by name, too."""
    again = baseline.again
    if again.name in variants:
        raise UsageError(f"CALIBRATE=1 measures {again.name} already, unjudged: leave out one of the two")
    return {again.name: again}


def _check(asked: Namespace) -> None:
    knobs.check("load", vars(asked))
    if asked.profile and asked.profile < LEAST_PROFILE_S:
        raise UsageError(f"PROFILE={asked.profile:g}: give {LEAST_PROFILE_S:g} or more, or 0 for no flame graphs")
    unfit = [name for name in NOT_FOR_COLD if getattr(asked, name)]
    unfit += ["workers"] if asked.workers else []
    unfit += ["pace"] if pacing.parse(asked.pace) != pacing.SATURATED else []
    if asked.cache != "warm" and unfit:
        names = ", ".join(unfit).upper()
        raise UsageError(f"CACHE={asked.cache} measures one download by one user in each slice: leave out {names}")
    if asked.master and not asked.workers:
        raise UsageError("MASTER=HOST:PORT waits for workers from elsewhere: say how many, with WORKERS=n")
    if asked.master and not asked.agent and not is_loopback(parse_address(asked.master).host):
        raise UsageError(
            f"MASTER={asked.master} waits for workers of other hosts, which cannot reach servers on this one's "
            f"loopback: give AGENT=host:port too, or MASTER=127.0.0.1:port"
        )
    if asked.workers and asked.users is not None and asked.users % asked.workers:
        raise UsageError(f"USERS={asked.users} cannot be divided among WORKERS={asked.workers}: give a multiple")


def _check_limits(given: Sequence[str], modes: tuple[str, ...]) -> None:
    """Raises UsageError where MAX is no limit between two of these modes."""
    for limit in (limits.parse(text, canonical) for text in given):
        for mode in (limit.mode, limit.against):
            if mode not in modes:
                hint = suggestion(mode, modes)
                raise UsageError(f"MAX names {mode}, which is not measured: {' '.join(modes)}{hint}")


def without_interval(settings: Settings, limits: int = 0) -> str | None:
    """What to say beforehand where so few rounds can give no interval; None where they can. limits: of MAX."""
    needed = rounds_needed(FAMILY_CONFIDENCE if settings.quick else family_confidence(len(settings.modes) - 1))
    judged = rounds_needed(family_confidence(limits))
    said = f"ROUNDS={settings.rounds} gives no interval"
    if len(settings.modes) > 1 and settings.rounds < needed:
        modes = plural(len(settings.modes), "mode")
        return f"{said} and no verdict, only medians: {modes} need {needed} rounds or more"
    if limits and settings.rounds < judged:
        return f"{said} by which MAX could be judged: {plural(limits, 'limit')} together need {judged} rounds or more"
    return None


def check_run_name(name: str) -> None:
    """Raises UsageError for what cannot be the name of a folder."""
    if not RUN_NAME.fullmatch(name):
        raise UsageError(f"RUN={name!r} is not a valid run name: use letters, digits, dots, dashes and underscores")


def with_defaults(asked: Namespace) -> Namespace:
    """With the defaults that depend on others. A cold slice is one download by one user, and too short for py-spy."""
    users = math.ceil(USERS / asked.workers) * asked.workers if asked.workers else USERS  # each worker has as many
    default = {"users": users, "profile": PROFILE_S, "rounds": ROUNDS, "retries": RETRIES}
    default |= {"profile": 0, "rounds": QUICK_ROUNDS, "retries": 0} if asked.quick else {}
    default |= {"users": 1, "profile": 0} if asked.cache != "warm" else {}
    default |= {"seed": random.randrange(1 << 32)}
    missing = {name: value for name, value in default.items() if getattr(asked, name) is None}
    return Namespace(**{**vars(asked), **missing})


def options_of(given: Sequence[str], modes: Sequence[str]) -> dict[str, dict[str, int]]:
    """MODE.NAME=SIZE, several times, as sizes by mode and name. Raises UsageError."""
    known = catalog.discover()
    options: dict[str, dict[str, int]] = {}
    for text in given:
        mode, dot, rest = text.partition(".")
        name, equals, size = rest.partition("=")
        possible = [f"{each}.{option}" for each in modes for option in known[each].facts.options]
        if not equals or f"{mode}{dot}{name}" not in possible:
            near = suggestion(f"{mode}{dot}{name}", possible)
            raise UsageError(
                f"OPTIONS={text!r} is not MODE.NAME=SIZE of a mode that is measured, like read-send.chunk=64KiB{near}"
            )
        options.setdefault(mode, {})[name] = parse_size(size)
        known[mode].check(options[mode])
    return options


def repeating_command(options: Namespace, modes: tuple[str, ...], baseline: str, file_bytes: int) -> str:
    """What repeats this run, but for its pace. options: with their defaults."""
    values = vars(options) | {"modes": modes, "baseline": baseline if baseline != _baseline(None, modes) else None}
    values |= {"size": file_bytes, "run": None, "wait": None, "pace": None}
    values |= dict.fromkeys(NOT_FOR_COLD) if options.cache != "warm" else {}
    if options.netns:  # its agent lives as long as the run
        values |= dict.fromkeys(("agent", "agent_token_file", "agent_ca"))
    elif options.agent:  # it has a file of its own
        values["size"] = None
    values["targets"] = catalog.file_to_name(map(target_of, modes))
    if not values.get("command") and not values.get("url"):  # asked for on the live page
        values |= catalog.lines_of(map(target_of, modes))
    return knobs.command_line("load", values)
