"""A variant has one name, whoever writes it; what is no variant, or the same twice, is refused in one line."""

from pathlib import Path

import pytest

from errors import UsageError
from profiles.targets import catalog
from profiles.targets.variants import Variant, canonical, parse, parse_all, target_of


@pytest.mark.parametrize(
    ("text", "name", "options", "again"),
    [
        ("sendfile", "sendfile", {}, False),
        ("read-send@chunk=65536", "read-send@chunk=64KiB", {"chunk": 65536}, False),
        ("read-send@chunk=1.5k", "read-send@chunk=1536", {"chunk": 1536}, False),
        ("read-send@chunk=64KiB+buffer-offset=16", "read-send@buffer-offset=16+chunk=64KiB",
         {"chunk": 65536, "buffer-offset": 16}, False),
        ("read-send@again", "read-send@again", {}, True),
        ("splice@pipe=65536@again", "splice@pipe=64KiB@again", {"pipe": 65536}, True),
        ("sendfile@cold", "sendfile@cold", {}, False),
        ("splice@pipe=65536@cold@again", "splice@pipe=64KiB@cold@again", {"pipe": 65536}, True),
    ],
)  # fmt: skip
def test_a_name_is_read_and_written_in_one_way(text: str, name: str, options: dict[str, int], again: bool) -> None:
    variant = parse(text)
    assert (variant.name, variant.options, variant.is_again) == (name, options, again)
    assert variant.mode == target_of(name) == target_of(text)
    assert canonical(text) == canonical(name) == name and parse(name) == variant
    assert variant.is_plain == ("@" not in text)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["pigeon@chunk=1KiB"], "there is no mode 'pigeon'"),
        (["read-send@feathers=1KiB"], "has no option 'feathers' (its options are chunk, buffer-offset)"),
        (["stdlib-sendfile@chunk=1KiB"], "stdlib-sendfile has no option 'chunk' (its options are none)"),
        (["read-send@chunk=0"], "read-send.chunk=0: give"),
        (["read-send@chunk=much"], "'much' is not a size"),
        (["read-send@chunk="], "'' is not a size"),
        (["read-send@chunk"], "give MODE@option=size"),
        (["read-send@"], "give MODE@option=size"),
        (["@again"], "give MODE@option=size"),
        (["read-send@again@cold"], "give MODE@option=size"),
        (["read-send@cold@cold"], "give MODE@option=size"),
        (["sendfile@cold", "sendfile@cold"], "sendfile@cold and sendfile@cold are the same: leave one out"),
        (["read-send@again@again"], "give MODE@option=size"),
        (["read-send@again@chunk=1KiB"], "give MODE@option=size"),
        (["read-send@chunk=1KiB@chunk=2KiB"], "give MODE@option=size"),
        (["read-send@chunk=1KiB+chunk=2KiB"], "gives chunk twice"),
        (["read-send@chunk=" + "9" * 5000], "give MODE@option=size"),
        (["read-send@chunk=64KiB", "sendfile", "read-send@chunk=65536"],
         "read-send@chunk=65536 are the same: leave one out, or name read-send@chunk=64KiB@again to measure"),
        (["read-send", "read-send@buffer-offset=0"], "read-send and read-send@buffer-offset=0 are the same"),
        (["sendfile", "sendfile"], "once per round"),
        (["sendfile@again", "sendfile@again"], "sendfile@again and sendfile@again are the same: leave one out"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(texts: list[str], says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_all(texts)
    assert says in str(refused.value) and "\n" not in str(refused.value) and len(str(refused.value)) < 1000


def test_the_same_once_more_is_no_double() -> None:
    assert list(parse_all(["read-send", "read-send@again", "read-send@buffer-offset=0@again"])) == [
        "read-send", "read-send@again", "read-send@buffer-offset=0@again",
    ]  # fmt: skip


def test_options_of_a_mode_hold_for_its_variants_too() -> None:
    basis = {"read-send": {"chunk": 4096}}
    found = parse_all(["read-send", "read-send@buffer-offset=16", "read-send@chunk=1KiB", "sendfile"], basis)
    assert [dict(variant.options) for variant in found.values()] == [
        {"chunk": 4096}, {"chunk": 4096, "buffer-offset": 16}, {"chunk": 1024}, {},
    ]  # fmt: skip
    with pytest.raises(UsageError, match="read-send and read-send@chunk=4KiB are the same"):
        parse_all(["read-send", "read-send@chunk=4KiB"], basis)


def test_the_record_of_a_variant_says_what_differs() -> None:
    facts = catalog.discover()["read-send"].facts
    both = parse("read-send@chunk=1KiB+buffer-offset=16@again").facts_of(facts)
    assert both.name == "read-send@buffer-offset=16+chunk=1KiB@again"
    assert both.options == {"chunk": 1024, "buffer-offset": 16} and both.copies == facts.copies
    assert both.summary.startswith("read-send with buffer-offset=16 and chunk=1KiB once more, to see")
    assert parse("read-send").facts_of(facts) == facts and not facts.cold
    cold = parse("read-send@chunk=1KiB@cold").facts_of(facts)
    assert cold.cold and cold.summary == "read-send with chunk=1KiB from the disk"


def test_a_variant_from_the_disk_has_one_name() -> None:
    assert parse("read-send@chunk=1KiB@again").cold == parse("read-send@chunk=1KiB@cold@again")
    assert parse("read-send@cold").cold == parse("read-send").cold == parse("read-send@cold")
    assert not parse("read-send").is_cold and not parse("read-send@again").is_cold


def test_what_runs_once_more_already_has_no_third() -> None:
    assert parse("read-send@chunk=1KiB").again == parse("read-send@chunk=1KiB@again")
    with pytest.raises(UsageError, match="is that already"):
        _ = Variant("read-send@again", "read-send", {}).again


def test_an_external_server_has_no_options_and_can_be_measured_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "targets.toml").write_text('[mine]\naddress = "127.0.0.1:8200"\ncommand = "server {port}"\n')
    monkeypatch.setenv(catalog.VARIABLE, str(tmp_path / "targets.toml"))
    assert parse("mine@again") == Variant("mine@again", "mine", {})
    with pytest.raises(UsageError, match=r"mine has no option 'chunk' \(its options are none\)"):
        parse("mine@chunk=1KiB")
