"""The line in which guesses leave the page is read, and anything else is refused."""

import json

import pytest

from errors import UserError
from reports.students import guesses


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"zero_copy_guesses": 2}', "9" * 5000, "[" * 5000, '{"zero_copy_guesses": 1, "run": "r"}']
)
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(UserError, match="is not a line of guesses"):
        guesses.read(line)


@pytest.mark.parametrize("wrong", [{"run": 1}, {"guesses": [1]}, {"guesses": {"a": 1}}, {"right": 9}, {"asked": "6"}])
def test_a_line_with_anything_else_in_it_is_refused(wrong: dict[str, object]) -> None:
    right = {"zero_copy_guesses": 1, "run": "r", "guesses": {"copies": "3"}, "right": 1, "asked": 6}
    assert guesses.read(json.dumps(right)).guesses == {"copies": "3"}
    with pytest.raises(UserError):
        guesses.read(json.dumps(right | wrong))
    with pytest.raises(UserError):
        guesses.read(json.dumps(right | {"more": 1}))
