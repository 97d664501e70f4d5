"""Shared by the tests of pages: one browser for all of them, since starting it takes longer than most of them."""

from collections.abc import Iterator

import pytest

from tests import browser
from tests.browser import Browser


@pytest.fixture(scope="session")
def shared() -> Iterator[Browser]:
    with browser.browser() as found:
        yield found
