"""What was left to a default is decided once, and stands in the command that repeats the run."""

import re
from argparse import Namespace
from dataclasses import replace
from typing import Any

import pytest

import knobs
from errors import UsageError
from load.campaign.options import resolve, without_interval
from load.campaign.settings import Settings
from units import MIB


def asked(**given: Any) -> Settings:
    values = vars(knobs.defaults("load")) | {"modes": ("read-send", "sendfile"), "any_port": True, "targets": None}
    return resolve(Namespace(**values | given), 64 * MIB)


def test_a_campaign_has_up_to_24_rounds_of_about_6_seconds_and_flame_graphs() -> None:
    settings = asked()
    assert (settings.rounds, settings.seconds, settings.precision, settings.profile_s) == (24, None, 0.05, 1)
    assert (settings.round_s, settings.window_s, settings.warm_up_s) == (6.0, 0.0, 0.0)
    assert not settings.quick and f"ROUNDS=24 RETRIES=1 PROFILE=1 SEED={settings.seed}" in settings.command


def test_a_quick_one_has_a_few_short_rounds_and_no_flame_graphs() -> None:
    settings = asked(quick=True)
    assert settings.quick and (settings.rounds, settings.round_s, settings.profile_s) == (6, 1.5, 0)
    assert "QUICK=1" in settings.command
    assert (asked(quick=True, rounds=9).rounds, asked(quick=True, profile=1).profile_s) == (9, 1)


def test_a_slice_is_longer_at_a_pace() -> None:
    assert asked().least_slice_s == 0.1
    assert replace(asked(pace="100MiB/s"), rate=100 * MIB).least_slice_s == 1.0
    assert asked(slice=0.5).least_slice_s == replace(asked(slice=0.5), rate=100 * MIB).least_slice_s == 0.5


def test_cold_downloads_have_one_user_and_no_flame_graphs() -> None:
    settings = asked(cache="cold")
    assert (settings.users, settings.profile_s) == (1, 0)
    assert "USERS" not in settings.command and "PROFILE" not in settings.command and "CACHE=cold" in settings.command


def test_from_both_each_mode_is_read_from_the_page_cache_and_from_the_disk() -> None:
    settings = asked(cache="both", modes=("read-send", "sendfile@chunk=64KiB"))
    assert settings.modes == ("read-send", "sendfile@chunk=64KiB", "read-send@cold", "sendfile@chunk=64KiB@cold")
    assert [settings.is_cold(mode) for mode in settings.modes] == [False, False, True, True]
    assert settings.options_of("sendfile@chunk=64KiB@cold") == {"chunk": 64 << 10}
    assert (settings.users, settings.profile_s, settings.is_probed) == (1, 0, False)
    assert "CACHE=both" in settings.command and "USERS" not in settings.command
    assert asked(cache="both", modes=settings.modes).modes == settings.modes, "as the command that repeats it says"


def test_what_is_read_from_the_disk_is_asked_for_with_both() -> None:
    for cache in ("warm", "cold"):
        with pytest.raises(UsageError, match=r"read-send@cold is read from the disk .* give CACHE=both too"):
            asked(cache=cache, modes=("read-send", "read-send@cold"))
    with pytest.raises(UsageError, match="CACHE=both measures one download by one user in each slice: leave out USERS"):
        asked(cache="both", users=2)


def test_flame_graphs_take_parts_of_a_second() -> None:
    settings = asked(profile=0.5)
    assert settings.profile_s == 0.5 and " PROFILE=0.5 " in settings.command
    with pytest.raises(UsageError, match=r"PROFILE=0\.05: give 0\.1 or more, or 0 for no flame graphs"):
        asked(profile=0.05)


@pytest.mark.parametrize(("workers", "users"), [(0, 4), (2, 4), (3, 6), (5, 5)])
def test_each_worker_has_as_many_users_as_the_others(workers: int, users: int) -> None:
    assert asked(workers=workers).users == users


def test_limits_stand_in_the_command_that_repeats_the_run() -> None:
    settings = asked(seconds=90.0, slice=0.3, window=2.0, seed=7, rounds=12)
    assert (settings.seconds, settings.slice_s, settings.window_s) == (90.0, 0.3, 2.0)
    assert settings.repeating_command.endswith("ROUNDS=12 SECONDS=90 RETRIES=1 SLICE=0.3 WINDOW=2 PROFILE=1 SEED=7")


def test_modes_keep_their_order_whatever_they_are_compared_with() -> None:
    settings = asked(modes=("splice", "sendfile", "read-send"), calibrate=True)
    assert (settings.modes, settings.reference) == (("splice", "sendfile", "read-send"), "read-send")
    assert settings.duplicate == "read-send@again" and "BASELINE" not in settings.command
    other = asked(modes=("splice", "sendfile", "read-send"), baseline="sendfile")
    assert (other.modes[0], other.reference) == ("splice", "sendfile") and "BASELINE=sendfile" in other.command
    assert asked(modes=("splice", "sendfile")).reference == "splice"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"rounds": 6, "modes": ("read-send", "sendfile", "splice")}, "ROUNDS=6 gives no interval and no verdict, "),
        ({"rounds": 1}, "2 modes need 6 rounds or more"),
        ({"rounds": 5, "quick": True}, "need 6 rounds or more"),
        ({"rounds": 6}, None),
        ({"quick": True, "modes": ("read-send", "sendfile", "splice")}, None),
        ({"rounds": 1, "modes": ("sendfile",)}, None),
    ],
)
def test_rounds_that_can_give_no_interval_are_said_before_they_run(given: dict[str, Any], says: str | None) -> None:
    said = without_interval(asked(**given))
    assert said is None if says is None else says in str(said)


def test_limits_share_the_error_and_so_need_more_rounds() -> None:
    assert without_interval(asked(rounds=6), 1) is None
    assert "2 limits together need 7 rounds or more" in str(without_interval(asked(rounds=6), 2))


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("sendfil/read-send<=1", "did you mean sendfile?"),
        ("sendfile<=1", "give limits without"),
        ("1.05", "give limits"),
    ],
)
def test_a_limit_between_modes_that_are_not_measured_is_refused(limit: str, says: str) -> None:
    assert "MAX='sendfile/read-send<=1.05'" in asked(max=["sendfile/read-send<=1.05"]).command
    with pytest.raises(UsageError, match=re.escape(says)):
        asked(max=[limit])
