"""Flame graphs and samples on their way from the agent into a run's folder."""

import time
from collections.abc import Container

import gevent

from load.agent.client import AgentClient
from load.workers.samples import merge_worker_samples
from profiles.protocol import Recording
from profiles.store.records import Cell, DeepProfile, Profile, Sample
from profiles.store.run_folder import RunFolder

GRACE_S = 30.0
POLL_S = 0.2


def wait_for_recording(agent: AgentClient, mode: str, within_s: float) -> Recording:
    """What the profiler recorded of a mode; failed when it is not done within this time and a grace period."""
    deadline_s = time.monotonic() + within_s + GRACE_S
    while (recording := agent.recording(mode)).state == "recording":
        if time.monotonic() > deadline_s:
            return Recording("failed", reason=f"the profiler did not end within {GRACE_S:.0f} s of its time")
        gevent.sleep(POLL_S)
    return recording


def save_flame_graph(folder: RunFolder, cell: Cell, recording: Recording) -> Profile:
    """Write py-spy's files; the record of them, which the caller appends."""
    if recording.state == "failed":
        return Profile(cell, None, None, recording.reason)
    folder.write_file(f"{cell.mode}.svg", recording.svg.encode())
    folder.write_file(f"{cell.mode}.raw", recording.raw.encode())
    return Profile(cell, f"{cell.mode}.svg", f"{cell.mode}.raw")


def save_stacks(folder: RunFolder, mode: str, cell: Cell, recording: Recording) -> DeepProfile:
    """Write perf's file; the record of it, which the caller appends."""
    if recording.state == "failed":
        return DeepProfile(mode, cell, None, reason=recording.reason)
    folded = f"{mode}.folded"
    folder.write_file(folded, recording.raw.encode())
    return DeepProfile(mode, cell, folded, recording.rate_hz, recording.counted_s, recording.python)


class SampleLog:
    """Appends the agent's new samples to a run's folder. began_s: the moment from which a run's times count."""

    def __init__(self, agent: AgentClient, folder: RunFolder) -> None:
        self._agent = agent
        self._folder = folder
        self._last_seen = agent.newest_sample()  # the agent may have run for hours before
        self.began_s = time.monotonic()

    def write(self, processes: Container[str] | None = None) -> None:
        """processes: whose samples are written; None for all."""
        fresh = self._agent.samples(self._last_seen)
        self._last_seen = fresh.last
        samples = (
            Sample(sample.monotonic_s - self.began_s, sample.process, sample.pid, sample.values)
            for sample in merge_worker_samples(fresh.samples)
            if processes is None or sample.process in processes
        )
        self._folder.append(*samples)
