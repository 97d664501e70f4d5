"""`make load WORKERS=2` as a user meets it, and what becomes of it when a worker or the master goes.

What is refused is in test_load.py.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from profiles.store.records import Cell, Run, Slice
from tests.conftest import SMALL_BYTES
from tests.scripts.campaigns import Running, command_line, folder, run

pytestmark = pytest.mark.slow

TWO = ["--workers", "2", "--modes", "sendfile", "--profile", "0"]


def are_whole(cells: Sequence[Cell], record: Run) -> None:
    """Every worker's downloads are in them, and nothing else."""
    for cell in cells:
        assert cell.failures == 0 and cell.downloads > 0
        assert cell.received_bytes == cell.downloads * record.file.size_bytes
        assert cell.metrics["client_cpu_s_per_gib"] and cell.metrics["server_cpu_s_per_gib"]


def test_two_workers_load_together_saturated_and_at_a_pace(served: Path) -> None:
    done = run(served, *TWO, "--pin", "0", "--window", "1.5", "--pace", "saturated 240MiB/s")
    assert done.returncode == 0, done.stderr
    saturated, paced = folder(served), folder(served).paced
    for one in (saturated, paced):
        record = one.read_run()
        assert (record.state, record.workers, record.users) == ("done", 2, 2)
        assert "WORKERS=2" in record.command and record.host["load_cpus"] == 2
        assert len(one.read_cells()) == 2
        are_whole(one.read_cells(), record)
    for cell in paced.read_cells():
        assert cell.offered_bytes and cell.received_bytes == pytest.approx(cell.offered_bytes, rel=0.25)
    for part in saturated.read(Slice):
        assert part.received_bytes == 2 * part.cycles * SMALL_BYTES
        assert part.client_cpu_s and part.span_s > part.wall_s > 0
    assert "2 users in 2 workers" in (served / "reports" / "tiny" / "index.html").read_text()


def test_a_worker_that_is_killed_voids_its_cell_and_the_round_is_run_again(served: Path) -> None:
    running = Running(served, *TWO, "--retries", "1", "--rounds", "2", "--window", "1", cells=1)
    running.child("load.workers.worker").kill()
    code, said = running.said()
    record = folder(served).read_run()
    assert code == 0, said
    (void,) = record.voids
    assert "worker process" in void.reason and "has ended (code -9)" in void.reason
    assert void.round in [repeat.of for repeat in record.repeats]
    assert "no result in 1 of" in (served / "reports" / "tiny" / "index.html").read_text()


def test_a_kill_of_the_master_leaves_no_worker(served: Path) -> None:
    running = Running(served, *TWO, cells=1)
    assert sum("load.workers.worker" in command_line(child) for child in running.started) == 2
    running.kill()
