"""A copy of the project, for tests that add files to it: one left in the project by a test that was killed would stay,
and other tests would meet it."""

import shutil
from pathlib import Path

from tests.conftest import PROJECT
from tests.test_imports import ROOMS


def copy_project(tree: Path) -> None:
    """The rooms and what lies beside them, without their output."""
    for room in ROOMS:
        shutil.copytree(PROJECT / room, tree / room, ignore=shutil.ignore_patterns("out", "__pycache__"))
    for path in PROJECT.glob("*.py"):
        shutil.copy(path, tree)
    (tree / "lab").mkdir()
    for path in PROJECT.glob("lab/_*.py"):  # what its user is at work on stays out
        shutil.copy(path, tree / "lab")
