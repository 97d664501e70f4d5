"""Variants from what was asked for to what a campaign is told: settings, records and users."""

from argparse import Namespace
from typing import Any, cast

import pytest

import knobs
from errors import UsageError
from load.campaign.options import resolve
from load.campaign.settings import Settings, run_record
from load.context import LoadContext
from load.users.locust_users import quiet_environment
from load.web.commands import CampaignCommand
from profiles.protocol import Facts
from profiles.store.run_facts import FileFacts
from profiles.targets import catalog


def settings_of(*modes: str, **asked: Any) -> Settings:
    given = {**vars(knobs.defaults("load")), "any_port": True, "modes": modes, **asked}
    return resolve(Namespace(**given), 1 << 20)


def test_each_is_named_and_has_its_options() -> None:
    settings = settings_of("sendfile", "read-send", "read-send@chunk=65536", options=("read-send.buffer-offset=16",))
    assert settings.modes == ("sendfile", "read-send", "read-send@chunk=64KiB") and settings.reference == "read-send"
    assert settings.mode_of("read-send@chunk=64KiB") == "read-send"
    assert settings.options_of("read-send@chunk=64KiB") == {"chunk": 65536, "buffer-offset": 16}
    assert settings.options_of("read-send") == {"buffer-offset": 16} and settings.options_of("sendfile") == {}
    words = settings.command.split("MODES=")[1]
    assert words.startswith("'sendfile read-send read-send@chunk=64KiB'")
    assert "OPTIONS=read-send.buffer-offset=16" in words


def test_a_variant_can_be_the_baseline_however_it_is_written() -> None:
    settings = settings_of("read-send", "read-send@chunk=64KiB", baseline="read-send@chunk=65536", calibrate=True)
    assert settings.modes == ("read-send", "read-send@chunk=64KiB")
    assert "BASELINE=read-send@chunk=64KiB" in settings.command
    assert settings.duplicate == "read-send@chunk=64KiB@again"
    assert settings.measured_modes == (*settings.modes, settings.duplicate)
    assert settings.options_of(settings.duplicate) == {"chunk": 65536}


@pytest.mark.parametrize(
    ("modes", "asked", "says"),
    [
        (("read-send", "read-send@again"), {"calibrate": True}, "CALIBRATE=1 measures read-send@again already"),
        (("read-send@again", "sendfile"), {"calibrate": True, "baseline": "read-send@again"}, "is that already"),
        (("read-send",), {"baseline": "read-send@chunk=1KiB"}, "'read-send@chunk=1KiB' is not among the modes"),
        (("sendfile",), {"options": ("read-send.chunk=1KiB",)}, "is not MODE.NAME=SIZE of a mode that is measured"),
        (("pigeon@again",), {}, "there is no mode 'pigeon'"),
    ],
)
def test_what_does_not_fit_is_refused(modes: tuple[str, ...], asked: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        settings_of(*modes, **asked)


def test_every_variant_is_a_target_of_the_record() -> None:
    settings = settings_of("read-send", "read-send@again", "splice@pipe=64KiB")
    targets = tuple(target.facts for target in catalog.discover().values())
    facts = Facts(targets, (), FileFacts("test-file.bin", 1 << 20, "", "ext4"), 0.5, {"affinity": "0,1"}, {})
    record = run_record(settings, "run", {}, facts)
    assert record.modes == settings.modes
    assert [target.options.get("pipe") for target in record.targets] == [None, None, 65536]


def test_users_of_a_variant_are_made_once_and_count_for_themselves() -> None:
    environment, classes = quiet_environment()
    context = LoadContext(environment, classes, cast(Any, None))
    plain, variant = context.user_class("read-send"), context.user_class("read-send@chunk=64KiB")
    assert context.user_class("read-send@chunk=64KiB") is variant
    assert (variant.target, variant.path, variant.address) == ("read-send@chunk=64KiB", plain.path, plain.address)
    assert variant.meter is not plain.meter and variant.tasks == plain.tasks
    assert environment.user_classes_by_name[variant.__name__] is variant and not variant.abstract
    variant.offer(1 << 20, 2)
    assert plain.pace is None and variant.pace is not None


def test_the_form_takes_variants_and_refuses_garbage() -> None:
    command = CampaignCommand({"modes": ["read-send@chunk=65536", "sendfile"]})
    assert resolve(command.options(any_port=True), 1 << 20).modes == ("read-send@chunk=64KiB", "sendfile")
    for garbage in ("read-send@", "read-send@;id", "read-send@chunk=1KiB+"):
        with pytest.raises(UsageError):
            resolve(CampaignCommand({"modes": [garbage]}).options(any_port=True), 1 << 20)
