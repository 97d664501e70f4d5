"""Which classes a load by hand has, how many users each of them gets, and what is refused beforehand."""

from argparse import Namespace
from collections.abc import Sequence
from typing import Any

import gevent
import pytest
from locust import TaskSet, User, tag, task
from locust.env import Environment

from errors import UsageError
from load.interactive.chosen_classes import check_host, check_settings, check_users, choose_classes, take_tags
from load.interactive.repeating_command import repeating_command
from load.interactive.user_counts import CountedUsers, expected_users
from load.users.locust_users import DownloadUser, user_classes


def made() -> Any:
    """A class of the user's own, whose tasks tags may take away."""

    @tag("mine")
    class Tasks(TaskSet):
        @tag("inner")
        @task
        def inner(self) -> None: ...

        @task
        def other(self) -> None: ...

    class Mine(User):
        weight = 3

    Mine.tasks = [Tasks]
    return Mine


Mine = made()
Classes = dict[str, type[DownloadUser]]


@pytest.fixture
def known() -> Classes:
    return user_classes()


def options(**more: Any) -> Namespace:
    given: dict[str, Any] = {"user_classes": [], "tags": None, "exclude_tags": None, "equal_weights": False}
    given |= {"num_users": None, "spawn_rate": None, "sink": "discard", "locustfile": "locustfile.py"}
    return Namespace(**given | {"config_users": None, "stop_timeout": 0, "profile": None} | more)


def chosen(classes: Sequence[type[User]], asked: Namespace) -> list[str]:
    environment = Environment(user_classes=[*classes])
    choose_classes(environment, asked)
    return [one.__name__ for one in environment.user_classes]


def test_by_default_a_load_has_the_courses_three_what_a_locustfile_names_and_its_own_classes(known: Classes) -> None:
    classes: list[type[User]] = [*known.values(), Mine]
    asked = options()
    assert chosen(classes, asked) == ["ReadSendUser", "SendfileUser", "ReadWholeUser", "Mine"]
    assert (asked.num_users, asked.spawn_rate) == (16, 16)
    known["SpliceUser"].named = True
    assert "SpliceUser" in chosen(classes, options())
    named = options(user_classes=["SpliceUser", "Mine"])
    assert chosen([known["SpliceUser"], Mine], named) == ["SpliceUser", "Mine"]


def test_tags_choose_our_classes_whole_and_among_the_tasks_of_others(known: Classes) -> None:
    mine = made()
    asked = options(tags=["splice", "inner"])
    assert chosen([*known.values(), mine], asked) == ["SpliceUser", "Mine"]
    assert [each.__name__ for each in mine.tasks[0].tasks] == ["inner"] and known["SendfileUser"].tasks
    assert (asked.tags, asked.exclude_tags) == (None, None)


def test_a_worker_that_was_started_without_tags_takes_those_of_its_master() -> None:
    mine = made()
    environment, asked = Environment(user_classes=[mine]), options()
    take_tags(environment, asked)
    assert len(mine.tasks[0].tasks) == 2
    vars(asked).update(own_tags=[None, ["inner"]])
    take_tags(environment, asked)
    assert [each.__name__ for each in mine.tasks[0].tasks] == ["other"]


def test_each_class_gets_what_its_weight_and_fixed_count_say(known: Classes) -> None:
    classes: list[type[User]] = [known["SendfileUser"], known["SpliceUser"], Mine]
    assert expected_users(10, classes) == {"SendfileUser": 2, "SpliceUser": 2, "Mine": 6}
    known["SendfileUser"].fixed_count = 4
    assert expected_users(8, classes) == {"SendfileUser": 4, "SpliceUser": 1, "Mine": 3}
    check_users(0, classes)
    check_users(8, classes)
    with pytest.raises(UsageError, match="2 users for 3 data paths, so some would get none: give 3 users"):
        check_users(2, classes)
    with pytest.raises(UsageError, match=r"4 users leave none for splice, .* \(sendfile 4, splice 1, Mine 3\)"):
        check_users(4, classes)


def test_a_host_is_for_classes_that_ask_it(known: Classes) -> None:
    ours = [known["SendfileUser"]]
    check_host(None, ours, known.values())
    check_host(known["SpliceUser"].url() + "/", ours, known.values())  # Locust's form has that of the last load
    check_host("http://127.0.0.1:9", [*ours, Mine], known.values())
    with pytest.raises(UsageError, match=r"--host http://127\.0\.0\.1:9: every data path has a server of its own"):
        check_host("http://127.0.0.1:9", ours, known.values())


def test_settings_make_nothing_else_of_a_data_path(known: Classes) -> None:
    same = {"user_class_name": "SendfileUser", "host": known["SendfileUser"].host, "weight": 2, "tasks": ["download"]}
    check_settings([same, {"user_class_name": "Mine", "target": "x"}], known)
    for odd in ({"target": "splice"}, {"host": "http://127.0.0.1:9"}, {"address": None}):
        with pytest.raises(UsageError, match=f"SendfileUser: {next(iter(odd))} is the data path's own"):
            check_settings([{"user_class_name": "SendfileUser", **odd}], known)


def test_users_are_counted_while_their_number_changes() -> None:
    now = {"SendfileUser": 4, "SpliceUser": 0}
    counted = CountedUsers(lambda: now)
    counted.start()
    gevent.sleep(0.25)
    now["SendfileUser"] = 1
    gevent.sleep(0.25)
    count = counted.end()
    assert [*count] == ["SendfileUser"] and count["SendfileUser"].most == counted.most == 4
    assert 1 < count["SendfileUser"].mean < 4


def test_the_command_repeats_what_was_asked_for() -> None:
    settings = [[{"user_class_name": "Mine", "weight": 2}]]
    asked = options(spawn_rate=0.5, config_users=settings, stop_timeout=3, profile="a b", locustfile="a.py,b.py")
    assert repeating_command(asked, 4, 9.7, 100 << 20, None) == (
        "locust -f a.py,b.py --headless -u 4 -r 0.5 -t 10s "
        """--config-users '{"user_class_name": "Mine", "weight": 2}' --stop-timeout 3 --profile 'a b' """
        "--sink discard --pace 100MiB/s"
    )
    assert repeating_command(options(equal_weights=True), 4, 9.7, None, "Steps") == (
        "locust -f locustfile.py --headless --equal-weights --sink discard"
    )
