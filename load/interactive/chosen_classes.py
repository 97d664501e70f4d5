"""Which user classes a load by hand has: the course's three, unless others are named, tagged or ticked; and those of
the user's own locustfile.

Its rule: a load never leaves out in silence what was chosen: a mode that is missing, or gets no user, is refused.
"""

import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from locust.env import Environment
from locust.user.task import filter_tasks_by_tags
from locust.user.users import User

from errors import UsageError, UserError, printable, suggestion
from load.campaign.options import COURSE_MODES, USERS
from load.interactive.user_counts import expected_users
from load.users.locust_users import DownloadUser
from reports.analysis.text import plural

MOST_USERS = 100_000  # in all processes
MAY_BE_SET = ("weight", "fixed_count", "tasks")  # of a class of ours


def choose_classes(environment: Environment, options: Namespace) -> bool:
    """Set the classes of the first load, and the number of users where none is given; whether the classes were asked
    for. Raises UsageError where none is left."""
    asked = bool(options.user_classes or options.tags)
    by_default = [one for one in environment.user_classes if asked or _is_by_default(one)]
    tagged = _tagged(environment.user_classes, options)
    environment.user_classes = [one for one in tagged if one in by_default] if by_default else tagged
    if not environment.user_classes:
        raise UsageError("these tags leave no data path to load: choose others")
    take_tags(environment, options)
    if options.equal_weights:
        environment.assign_equal_weights()  # as Locust does, but later
    if options.num_users is None:
        options.num_users = USERS * len(environment.user_classes)
    if options.spawn_rate is None:
        options.spawn_rate = options.num_users
    return asked


def leave_out_missing(environment: Environment, missing: Mapping[str, str], asked: bool) -> None:
    """Neither a load nor Locust's form has modes that this machine lacks. missing: why each of them is. Raises
    UserError for one that was asked for."""
    available = available_classes(environment)
    for mode, reason in missing.items():
        why = f"{mode} is missing on this machine: {reason}"
        if asked and mode in map(_mode, environment.user_classes):
            raise UserError(why)
        print(f"skipped: {printable(why)}", file=sys.stderr)
        for name in [name for name, one in available.items() if _mode(one) == mode]:
            del available[name]
    environment.user_classes = [one for one in environment.user_classes if _mode(one) not in missing]


def available_classes(environment: Environment) -> dict[str, type[User]]:
    """Those that Locust's form offers."""
    return cast(dict[str, type[User]], environment.available_user_classes)


def take_tags(environment: Environment, options: Namespace) -> None:
    """Tags choose among the tasks of the user's own classes, as ever. Ours are chosen whole: Locust itself would take
    the tasks of all others away for good, from campaigns, too. A master's own_tags come to its workers with a load."""
    options.own_tags = getattr(options, "own_tags", (options.tags, options.exclude_tags))
    tags, exclude_tags = (set(given) if given else None for given in options.own_tags)
    for one in own_classes(environment.user_classes):
        filter_tasks_by_tags(one, tags, exclude_tags)
    options.tags = options.exclude_tags = None


def own_classes(classes: Iterable[type[User]]) -> list[type[User]]:
    """Those of the user's own locustfile."""
    return [one for one in classes if not issubclass(one, DownloadUser)]


def check_users(users: int, classes: Sequence[type[User]]) -> None:
    """Raises UsageError where some class would get no user, or there are more than Locust can spread."""
    if users > MOST_USERS:
        raise UsageError(f"{users:,} users: give {MOST_USERS:,} at most, since each of them needs a port")
    expected = expected_users(users, classes) if users > 0 else None
    without = [one for one in classes if expected is not None and not expected.get(one.__name__)]
    if not without:
        return
    if users < len(classes):
        names = ", ".join(_mode(one) for one in classes)
        raise UsageError(
            f"{plural(users, 'user')} for {len(classes)} data paths, so some would get none: give {len(classes)} users "
            f"or more, or choose fewer of {names}"
        )
    weights = ", ".join(f"{_mode(one)} {one.fixed_count or one.weight}" for one in classes)
    raise UsageError(
        f"{plural(users, 'user')} leave none for {_mode(without[0])}, by fixed_count or weight ({weights}): give more"
    )


def check_host(host: str | None, classes: Sequence[type[User]], known: Iterable[type[DownloadUser]]) -> None:
    """Raises UsageError for Locust's --host where none of these classes would ask it. known: all of ours."""
    if host and not own_classes(classes) and host.rstrip("/") not in {one.url() for one in known}:
        raise UsageError(
            f"--host {host}: every data path has a server of its own, so leave it out; `make load URL=` measures "
            f"another server (docs/targets.md)"
        )


def check_settings(settings: Iterable[Mapping[str, Any]], known: Mapping[str, type[DownloadUser]]) -> None:
    """Raises UsageError where --config-users, or Locust's form, would make something else of a class of ours."""
    for each in settings:
        name = str(each.get("user_class_name"))
        same = {"host": known[name].host} if name in known else {}  # which Locust's form sends, too
        others = {key: value for key, value in each.items() if key not in ("user_class_name", *MAY_BE_SET)}
        odd = [key for key, value in others.items() if (key, value) not in same.items()]
        if name in known and odd:
            raise UsageError(f"{name}: {odd[0]} is the data path's own; only {', '.join(MAY_BE_SET)} can be set")


def _is_by_default(user_class: type[User]) -> bool:
    return not issubclass(user_class, DownloadUser) or user_class.named or user_class.target in COURSE_MODES


def _mode(user_class: type[User]) -> str:
    return getattr(user_class, "target", user_class.__name__)


def in_order(classes: Sequence[type[User]], known: Mapping[str, type[DownloadUser]]) -> list[type[User]]:
    """Locust gives them in any order: ours in that of their modes, then those of somebody else's locustfile."""
    ours = [one for one in known.values() if one in classes]
    return [*ours, *(one for one in classes if one not in ours)]


def _tagged(classes: Sequence[type[User]], options: Namespace) -> list[type[User]]:
    """Those that Locust's --tags and --exclude-tags leave. Raises UsageError for a tag that no class has."""
    wanted, unwanted = set(options.tags or ()), set(options.exclude_tags or ())
    of_tasks = {one: [_tags(task) for task in _leaves(one)] for one in classes}
    known = set().union(*(tags for each in of_tasks.values() for tags in each))
    for tag in sorted(wanted | unwanted):
        if tag not in known:
            raise UsageError(f"no data path here has the tag {tag!r}{suggestion(tag, known)}")

    def stays(tags: set[str]) -> bool:
        return (not wanted or bool(tags & wanted)) and not tags & unwanted

    return [one for one in classes if not of_tasks[one] or any(map(stays, of_tasks[one]))]


def _leaves(holder: Any) -> list[Any]:
    """The tasks of a class, and of the TaskSets among them."""
    return [leaf for task in holder.tasks for leaf in (_leaves(task) if hasattr(task, "tasks") else [task])]


def _tags(task: Any) -> set[str]:
    return set(getattr(task, "locust_tag_set", ()))
