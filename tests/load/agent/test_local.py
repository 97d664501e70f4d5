"""The agent on this machine: however long it works it is heard, and one that is stopped is named at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from errors import UserError
from load.agent import local as local_module
from load.agent.local import LocalAgent
from profiles.protocol import BEAT_S, SILENT_S
from tests.conftest import eventually
from tests.load.locust_process import helpers_of


@contextlib.contextmanager
def local(served: Path) -> Iterator[tuple[LocalAgent, psutil.Process]]:
    agent = LocalAgent(served)
    try:
        (process,) = [one for one in helpers_of(served) if "profiles.agent" in one.cmdline()]
        yield agent, process
    finally:
        agent.close()


def stop(process: psutil.Process) -> None:
    process.send_signal(signal.SIGSTOP)
    eventually(lambda: process.status() == psutil.STATUS_STOPPED)


def test_a_stopped_agent_is_named_and_ends_in_order_nevertheless(served: Path) -> None:
    with local(served) as (agent, process):
        assert agent.snapshot().processes
        stop(process)
        for ask in (agent.snapshot, agent.facts):
            with pytest.raises(UserError, match=rf"stopped by a signal \(SIGSTOP\): `kill -CONT {process.pid}`"):
                ask()
        process.send_signal(signal.SIGCONT)
        eventually(lambda: process.status() != psutil.STATUS_STOPPED)
        assert agent.snapshot().processes
        stop(process)
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    assert not helpers_of(served)


@pytest.mark.slow
def test_one_that_is_stopped_while_it_is_asked_is_named(served: Path) -> None:
    said: list[str] = []

    def ask(agent: LocalAgent) -> None:
        try:
            agent.check_clock((max(os.sched_getaffinity(0)),), 2.0)
        except UserError as error:
            said.append(str(error))

    with local(served) as (agent, process):
        asking = threading.Thread(target=ask, args=(agent,))
        asking.start()
        eventually(lambda: bool(process.children()))  # it keeps a CPU busy
        stop(process)
        asking.join()
    assert "was stopped by a signal" in said[0]


@pytest.mark.slow
def test_an_answer_may_take_longer_than_an_agent_may_be_silent(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "SILENT_S", 3 * BEAT_S)
    assert 3 * BEAT_S < SILENT_S
    with local(served) as (agent, _):
        cpu = max(os.sched_getaffinity(0))
        assert agent.check_clock((cpu,), 5 * BEAT_S).spells[0].cpu == cpu
