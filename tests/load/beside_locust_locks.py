"""The lock of a run's folder in a process of Locust's, where gevent's os.close() closes a folder later.

Nothing here gives gevent's loop a turn, as between two rounds of a sweep at the same point: a lock that was kept would
be waited for without end.
"""

import os
from pathlib import Path

import gevent
import locust
import pytest

from profiles.store.files import is_locked, lock, unlock


@pytest.fixture(autouse=True)
def folders_are_closed_later(tmp_path: Path) -> None:
    """Else these tests would say nothing."""
    assert locust.__version__  # importing it patches this process
    gevent.sleep(0)  # from now on gevent has a loop
    fd = os.open(tmp_path, os.O_RDONLY)
    os.close(fd)
    os.fstat(fd)


def test_a_folder_that_was_unlocked_can_be_locked_at_once(tmp_path: Path) -> None:
    for _ in range(3):
        lock(tmp_path)
        assert is_locked(tmp_path)
        unlock(tmp_path)
        assert is_locked(tmp_path) is False


def test_a_look_keeps_nobody_from_writing(tmp_path: Path) -> None:
    assert is_locked(tmp_path) is False
    lock(tmp_path)
    unlock(tmp_path)
