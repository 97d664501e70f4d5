"""What imports locust, tested in a process of its own.

Importing it monkey-patches the process (gevent): all other tests would run patched, and where ssl was imported before,
the import itself fails.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PROJECT

FILES = sorted(Path(__file__).parent.glob("beside_locust_*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_beside_locust(path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
