"""docs/locust.md names every option of Locust, as Locust has it, and each of them is tried or refused by a test."""

import re
from typing import NamedTuple

import pytest
from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

from load.locust_arguments import add_arguments
from tests.conftest import PROJECT
from tests.load import test_locust_options as tried

_ROW = re.compile(r"\| ((?:`-[\w-]+`(?:, )?)+) \| (?:`(\w+)`|–) \| (works|refused)(.*) \|")


class Option(NamedTuple):
    names: tuple[str, ...]
    variable: str | None
    here: str


def documented() -> list[Option]:
    rows = [_ROW.fullmatch(line) for line in (PROJECT / "docs" / "locust.md").read_text().splitlines()]
    return [Option(tuple(re.findall(r"`(-.+?)`", row[1])), row[2], row[3]) for row in rows if row]


def of_locust() -> dict[tuple[str, ...], tuple[str | None, list[str]]]:
    """Each option's names, short ones first, with its variable and its keys in locust.conf."""
    parser = get_empty_argument_parser(default_config_files=[])
    setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    named = {tuple(sorted(each.option_strings, key=len)): each for each in parser._actions if each.option_strings}
    return {names: (each.env_var, parser.get_possible_config_keys(each)) for names, each in named.items()}


def test_every_option_is_in_the_table_with_its_variable_and_its_key() -> None:
    listed = {option.names: option.variable for option in documented()}
    assert listed == {names: variable for names, (variable, _) in of_locust().items()}
    assert all(names[-1].removeprefix("--") in keys for names, (_, keys) in of_locust().items())


def test_our_own_options_are_named() -> None:
    parser = get_empty_argument_parser(add_help=False, default_config_files=[])
    locusts = {*parser._option_string_actions}
    add_arguments(parser)
    text = (PROJECT / "docs" / "locust.md").read_text()
    assert {name for name in {*parser._option_string_actions} - locusts if f"`{name}`" not in text} == set()


@pytest.mark.parametrize("option", documented(), ids=lambda option: option.names[-1])
def test_each_is_tried_as_the_table_says(option: Option) -> None:
    works = (tried.HEADLESS, tried.JSON, tried.PAGE, tried.MASTER, tried.WORKERS, *tried.SAYS)
    keys = [f"--{line.partition(' =')[0]}" for line in tried.CONFIG.splitlines()]
    given = {*" ".join(works).split(), *keys, *tried.VARIABLES}
    refused = {word for command in tried.REFUSED for word in command.split()}
    names = {*option.names, option.variable}
    assert names & (given if option.here == "works" else refused)
