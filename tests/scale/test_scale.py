"""The arithmetic of make scale, and that its simulation does what it says, small."""

import itertools
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from errors import UserError
from profiles.store.run_folder import RunFolder
from tests.scale.__main__ import SMALL, line, simulate
from tests.scale.agents import PretendedAgent, serve, wire_bytes_so_far


def test_a_straight_line_is_found_again() -> None:
    costs = [3 + 0.5 * agents + 7 * workers for agents, workers in SMALL]
    found = line(*costs)
    assert (found.base, found.per_agent, found.per_worker) == pytest.approx((3, 0.5, 7))
    assert found.at(200, 50) == pytest.approx(3 + 100 + 350)


def test_a_simulation_measures_cells_of_every_agent_over_all_workers(tmp_path: Path) -> None:
    cost = simulate(tmp_path / "few", 2, 2, cells=1)
    assert (cost.agents, cost.workers) == (2, 2)
    assert 0 < cost.cores < 2 and cost.peak_bytes > 1 << 20
    assert cost.wire_bytes_per_s > 0 and cost.record_bytes_per_s > 0
    for number, folder in itertools.product((0, 1), sorted((tmp_path / "few").iterdir())):
        cell = RunFolder(folder).read_cells()[number]
        assert cell.received_bytes > 0 and cell.failures == 0 and cell.wall_s > 1
        assert cell.metrics["client_cpu_s_per_gib"] is not None


def test_a_connection_that_could_not_be_counted_is_no_zero() -> None:
    counted: Counter[str] = Counter()
    server = serve(PretendedAgent(), lambda: None, counted)
    gone = socket.socket()
    gone.close()
    server.close_request(gone)
    server.shutdown()
    server.server_close()
    assert counted == {"uncounted": 1}
    says_so = [sys.executable, "-c", 'input(); print(\'{"wire_bytes": 5, "uncounted": 1}\')']
    with (
        subprocess.Popen(says_so, stdin=-1, stdout=-1, text=True) as process,
        pytest.raises(UserError, match="1 connections could not be counted"),
    ):
        wire_bytes_so_far(process)
