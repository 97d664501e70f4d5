"""Shared by all tests: where the project is, a small served folder, and waiting without sleeping blindly."""

import atexit
import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers import payload

_, _LOCK = tempfile.mkstemp(prefix="zero-copy-bench-tests-")
os.environ["ZERO_COPY_BENCH_LOCK"] = _LOCK  # campaigns of other processes are none of a test's business
os.environ["TARGETS"] = ""  # a targets.toml of the checkout is its user's, and no part of what is tested
PROJECT = Path(__file__).resolve().parent.parent
SMALL_BYTES = 3_000_017  # a prime: not a multiple of anything that could hide an error


@atexit.register
def _remove_lock() -> None:
    with contextlib.suppress(OSError):  # this process became another user
        Path(_LOCK).unlink()


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


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Once:
    """once(name, fill): a folder that fill(folder) filled, once per session however many workers ask for it."""
    session = tmp_path_factory.getbasetemp()
    session = session if worker_id == "master" else session.parent  # each worker of pytest-xdist has a folder below it

    def folder(name: str, fill: Callable[[Path], object]) -> Path:
        path, filled = session / name, session / f"{name}.filled"
        with (session / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not filled.exists():
                path.mkdir()
                fill(path)
                filled.touch()
        return path

    return folder


@pytest.fixture
def own_ports() -> Iterator[None]:
    """The modes' own ports are this test's: another that needs them waits, in whichever worker it is."""
    with Path(tempfile.gettempdir(), "zero-copy-bench-tests-own-ports.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
