"""python reaper.py LIFELINE STOP GRACE_S CPUS STOP_COMMAND COMMAND: runs an external server and ends all of it.

No process of the server outlives the agent. The agent alone holds the other end of the pipe LIFELINE; when that
closes, the server is asked to stop, and what is left after the grace is killed.

The reaper finds every process because it is their subreaper (PR_SET_CHILD_SUBREAPER, prctl(2)): a process whose parent
ends becomes a child of the reaper and not of init, also when the server daemonises. So the CPU time of processes that
end is not lost either: it is added to what the reaper waited for (profiles/metrics/process_tree.py). If the reaper is
killed, the command dies with it (PR_SET_PDEATHSIG).

It runs as a file and imports the standard library alone, since it starts anew for every cell. STOP is a signal's
number, CPUS are numbers separated by commas, STOP_COMMAND and COMMAND are JSON lists. Its exit code is the command's,
or SIGNALLED and the number of the signal that killed it, as a shell's.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
SIGNALLED = 128
NOT_FOUND = 127
STEP_S = 0.005
KILLED_MESSAGE = "did not end within"
_libc = ctypes.CDLL(None, use_errno=True)


class Reaper:
    """The server's first process and all its descendants."""

    def __init__(self, command: list[str]) -> None:
        self._main = os.fork()
        self.code: int | None = None
        if self._main == 0:
            _exec(command)

    def reap(self) -> bool:
        """Wait for the processes that have ended; returns whether any is left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._main:
                self.code = os.waitstatus_to_exitcode(status)

    def stop(self, number: int, command: list[str], grace_s: float) -> None:
        """Ask the first process to stop, then those that it left behind; after the grace kill what is still there."""
        until_s = time.monotonic() + grace_s
        if command:
            self._run(command, grace_s)
        else:
            self._signal([self._main] if self.code is None else descendants(), number)
        asked_others = command != [] or self.code is not None
        while self.reap() and time.monotonic() < until_s:
            if self.code is not None and not asked_others:
                self._signal(descendants(), number)
                asked_others = True
            time.sleep(STEP_S)
        if self.reap():
            print(f"error: it {KILLED_MESSAGE} {grace_s:g} s of being asked to, and was killed", file=sys.stderr)
        while self.reap():
            self._signal(descendants(), signal.SIGKILL)
            time.sleep(STEP_S)

    def _run(self, command: list[str], grace_s: float) -> None:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, timeout=grace_s, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"error: its stop command: {error}", file=sys.stderr)

    def _signal(self, pids: list[int], number: int) -> None:
        for pid in pids:
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):  # it has ended, or runs as another user
                continue


def descendants() -> list[int]:
    """All processes below this one, parents first."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found = [os.getpid()]
    for pid in found:  # which grows
        found += children.get(pid, [])
    return found[1:]


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir("/proc"):  # noqa: PTH208 - names, not paths
        if name.isdigit():
            try:
                stat = Path(f"/proc/{name}/stat").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(name), int(stat.rpartition(b")")[2].split()[1])


def _exec(command: list[str]) -> None:
    """Become the server's first process, in a session of its own; does not return."""
    try:
        os.setsid()
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvp(command[0], command)
    except OSError as error:
        print(f"error: {command[0]} cannot be run: {error.strerror}", file=sys.stderr, flush=True)
    finally:
        os._exit(NOT_FOUND)


def main(argv: list[str]) -> int:
    lifeline, number, grace_s, cpus = int(argv[1]), int(argv[2]), float(argv[3]), argv[4]
    stop_command, command = json.loads(argv[5]), json.loads(argv[6])
    if _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        print(f"error: cannot become a subreaper: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
        return 126
    try:
        os.sched_setaffinity(0, [int(cpu) for cpu in cpus.split(",")] if cpus else os.sched_getaffinity(0))
    except OSError as error:
        print(f"error: cannot pin it to CPU {cpus}: {error.strerror}; run again with PIN=0", file=sys.stderr)
        return 126
    os.set_inheritable(lifeline, False)
    ended, wakes = os.pipe()
    os.set_blocking(wakes, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for polite in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(polite, signal.SIG_IGN)  # the lifeline alone decides
    reaper = Reaper(command)
    agent_ended = False
    while reaper.reap() and not agent_ended:
        ready, _, _ = select.select([lifeline, ended], [], [])
        agent_ended = lifeline in ready
        if ended in ready:
            os.read(ended, 4096)
    if agent_ended:
        reaper.stop(number, stop_command, grace_s)
    code = reaper.code or 0
    return SIGNALLED - code if code < 0 else code


if __name__ == "__main__":
    sys.exit(main(sys.argv))
