"""`make load WORKERS=2` as a user meets it, and what becomes of it when a worker or the master goes."""

from pathlib import Path

import pytest

from tests.conftest import eventually
from tests.scripts.test_load import Running, command_line, folder, run

TWO = ["--workers", "2", "--modes", "sendfile", "--profile", "0"]


def test_a_campaign_over_two_workers_is_one_like_any_other(served: Path) -> None:
    done = run(served, *TWO, "--pin", "0")
    assert done.returncode == 0, done.stderr
    record = folder(served).read_run()
    assert (record.state, record.workers, record.users) == ("done", 2, 2)
    assert "WORKERS=2" in record.command and record.host["load_cpus"] == 2
    cells = folder(served).read_cells()
    assert len(cells) == 2
    for cell in cells:
        assert cell.failures == 0 and cell.received_bytes > 0 and cell.downloads > 0
        assert abs(cell.received_bytes - cell.downloads * record.file.size_bytes) <= 4 * record.file.size_bytes
        assert cell.metrics["client_cpu_s_per_gib"] and cell.metrics["clock_uncertainty_s"] is not None
    assert "2 users in 2 workers" in (served / "reports" / "tiny" / "index.html").read_text()


def test_at_a_pace_the_workers_offer_together_what_was_asked_for(served: Path) -> None:
    done = run(served, *TWO, "--rounds", "1", "--window", "1.5", "--pace", "240MiB/s")
    assert done.returncode == 0, done.stderr
    for cell in folder(served).read_cells():
        assert cell.offered_bytes and cell.received_bytes == pytest.approx(cell.offered_bytes, rel=0.25)


def test_a_worker_that_is_killed_voids_its_cell_and_the_round_is_run_again(served: Path) -> None:
    running = Running(served, *TWO, "--retries", "1", "--rounds", "2", "--window", "1", cells=1)
    running.child("load.workers.worker").kill()
    _, said = running.process.communicate(timeout=55)
    record = folder(served).read_run()
    assert running.process.returncode == 0, said
    (void,) = record.voids
    assert "worker process" in void.reason and "has ended (code -9)" in void.reason
    assert void.round in [repeat.of for repeat in record.repeats]
    assert "void in round" in (served / "reports" / "tiny" / "index.html").read_text()


def test_a_kill_of_the_master_leaves_no_worker(served: Path) -> None:
    running = Running(served, *TWO, cells=1)
    assert sum("load.workers.worker" in command_line(child) for child in running.started) == 2
    running.process.kill()
    running.process.communicate()
    eventually(lambda: not any(child.is_running() and child.status() != "zombie" for child in running.started))


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--workers", "3", "--users", "4"], "USERS=4 cannot be divided among WORKERS=3"),
        (["--workers", "-1"], "WORKERS=-1"),
        (["--workers", "2", "--cache", "cold"], "leave out USERS, WINDOW, WARM_UP, PROFILE, WORKERS"),
        (["--master", "127.0.0.1:5557"], "say how many"),
        (["--workers", "1", "--master", "0.0.0.0:5557"], "cannot reach servers"),
        (["--workers", "1", "--master", "nowhere"], "give HOST:PORT"),
    ],
)
def test_what_workers_cannot_do_is_one_line_and_2(served: Path, more: list[str], says: str) -> None:
    done = run(served, *more)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert says in done.stderr
