"""Shared by all tests: where the project is, a small served folder, and waiting without sleeping blindly."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from servers import payload

os.environ["TARGETS"] = ""  # a targets.toml of the checkout is its user's, and no part of what is tested
PROJECT = Path(__file__).resolve().parent.parent
SMALL_BYTES = 3_000_017  # a prime: not a multiple of anything that could hide an error


def eventually(holds: Callable[[], bool], timeout_s: float = 50.0) -> None:
    """Return as soon as it holds; fail when it still does not after the time-out."""
    deadline_s = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline_s, f"still not so after {timeout_s:g} s"
        time.sleep(0.02)


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """A folder with a small test file and its digest."""
    payload.make(tmp_path, SMALL_BYTES, lambda _: None)
    return tmp_path
