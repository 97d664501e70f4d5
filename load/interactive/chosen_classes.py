"""Which user classes a load by hand has: the course's three, unless others are named, tagged or ticked.

Its rule: a load never leaves out in silence what was chosen: a mode that is missing, or gets no user, is refused.
"""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import cast

from locust.env import Environment
from locust.user.users import User

from errors import UsageError, UserError, printable, suggestion
from load.campaign.options import COURSE_MODES, USERS
from load.users.locust_users import DownloadUser


def choose_classes(environment: Environment, options: Namespace) -> bool:
    """Set the classes of the first load, and the number of users where none is given; whether the classes were asked
    for. Raises UsageError where none is left."""
    asked = bool(options.user_classes or options.tags)
    course = [one for one in environment.user_classes if _mode(one) in COURSE_MODES and not asked]
    tagged = _tagged(environment.user_classes, options)
    environment.user_classes = [one for one in tagged if one in course] if course else tagged
    if not environment.user_classes:
        raise UsageError("these tags leave no data path to load: choose others")
    leave_tags_alone(options)
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


def leave_tags_alone(options: Namespace) -> None:
    """Tags have chosen classes. Locust itself would take the tasks of all others away for good, from campaigns, too."""
    options.tags = options.exclude_tags = None


def check_users(users: int, classes: Sequence[type[User]]) -> None:
    """Raises UsageError where some class would get no user."""
    if 0 < users < len(classes):
        given = "1 user" if users == 1 else f"{users} users"
        names = ", ".join(_mode(one) for one in classes)
        raise UsageError(
            f"{given} for {len(classes)} data paths, so some would get none: give {len(classes)} users or more, or "
            f"choose fewer of {names}"
        )


def in_order(classes: Sequence[type[User]], known: Mapping[str, type[DownloadUser]]) -> list[type[User]]:
    """Locust gives them in any order: ours in that of their modes, then those of somebody else's locustfile."""
    ours = [one for one in known.values() if one in classes]
    return [*ours, *(one for one in classes if one not in ours)]


def _mode(user_class: type[User]) -> str:
    return getattr(user_class, "target", user_class.__name__)


def _tagged(classes: Sequence[type[User]], options: Namespace) -> list[type[User]]:
    """Those that Locust's --tags and --exclude-tags leave. Raises UsageError for a tag that no class has."""
    wanted, unwanted = set(options.tags or ()), set(options.exclude_tags or ())
    tags = {one: _tags(one) for one in classes}
    known = set().union(*tags.values())
    for tag in sorted(wanted | unwanted):
        if tag not in known:
            raise UsageError(f"no data path here has the tag {tag!r}{suggestion(tag, known)}")
    return [one for one in classes if (not wanted or tags[one] & wanted) and not tags[one] & unwanted]


def _tags(user_class: type[User]) -> set[str]:
    return {tag for task in user_class.tasks for tag in getattr(task, "locust_tag_set", ())}
