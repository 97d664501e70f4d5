"""Cells over several workers, tested in a process of its own.

What directs workers imports locust, and that monkey-patches the process (gevent): all other tests would run patched,
and where ssl was imported before, the import itself fails.
"""

import subprocess
import sys

from tests.conftest import PROJECT


def test_cells_over_workers() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/load/beside_locust_workers.py"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
