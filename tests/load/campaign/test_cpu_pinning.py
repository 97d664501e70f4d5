"""Servers and load do not share a CPU where there are two, and the record says so."""

import os
import subprocess
import sys

from load.campaign.cpu_pinning import Placement, choose, pin_this_process
from tests.conftest import PROJECT


def test_the_load_gets_one_cpu_and_the_servers_the_others() -> None:
    assert choose({3, 1}, wanted=True) == Placement((1,), (3,), "load on CPU 1, servers on CPU 3")
    assert choose({0, 1, 2, 3}, wanted=True).server_cpus == (1, 2, 3)


def test_without_a_second_cpu_or_without_pin_nothing_is_pinned() -> None:
    assert choose({0}, wanted=True) == Placement((), (), "none (only one CPU is allowed)")
    assert choose({0, 1}, wanted=False) == Placement((), (), "none (PIN=0)")


def test_a_refusal_is_recorded() -> None:
    missing = max(os.sched_getaffinity(0)) + 4096
    assert pin_this_process(Placement((missing,), (0,), "")).text.startswith("none (refused: ")


def test_nothing_is_pinned_where_servers_are_on_another_machine() -> None:
    assert pin_this_process(Placement((0,), (1,), ""), servers_elsewhere=True).load_cpus == ()


def test_the_process_moves() -> None:
    first = min(os.sched_getaffinity(0))
    code = (
        "import os; from load.campaign.cpu_pinning import *; "
        f"pin_this_process(Placement(({first},), (), '')); print(os.sched_getaffinity(0))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str({first})
