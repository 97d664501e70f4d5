"""One campaign per machine: two would measure each other.

The lock is flock(2) on the machine's time namespace (time_namespaces(7)). Network namespaces and containers share it,
unless they ask for a clock of their own; any user may open it, nobody has to create it, and the lock ends with its
process. Linux before 5.6 has none: there it is the user namespace, which a container may have of its own.

Its rule: whoever is refused is told who has the lock. The process stands in /proc/locks (proc(5)). The run is the name
of a file in the memory of that process (memfd_create(2)), which only its user may read.
"""

import contextlib
import fcntl
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import EXIT_DONE, UserError, run_command
from units import duration

SHARED = (Path("/proc/self/ns/time"), Path("/proc/self/ns/user"))
VARIABLE = "ZERO_COPY_BENCH_LOCK"  # names another file, for tests that run campaigns side by side
POLL_S = 0.5
_RUN = re.compile(r"/memfd:zero-copy-bench (\S+) \(deleted\)")


@contextlib.contextmanager
def campaign_lock(run: str, *, wait: bool = False) -> Iterator[None]:
    """Raises UserError while another campaign runs; with wait, waits for its end and says so. run: a name to show."""
    own = os.environ.get(VARIABLE)
    shared = Path(own) if own else next(filter(Path.exists, SHARED), None)
    if shared is None:
        raise UserError("cannot see whether another campaign runs on this machine: mount /proc")
    fd = os.open(shared, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _take(fd, wait)
        named = os.memfd_create(f"zero-copy-bench {run}")
        try:
            yield
        finally:
            os.close(named)
    finally:
        os.close(fd)


def refuse_beside_campaign(what: str) -> None:
    """Raises UserError while a campaign runs, which this would disturb."""
    with campaign_lock(what):
        pass


def _take(fd: int, wait: bool) -> None:
    told: tuple[str, int | None] | None = None
    while not _taken(fd):
        holder = _holder(os.fstat(fd).st_ino)
        if _taken(fd):  # the other one ended while it was looked for, and could not be seen for that reason
            return
        if not wait:
            raise UserError(
                f"{holder} is running on this machine, and two would measure each other: wait for its end (WAIT=1), "
                f"or stop it"
            )
        if told != (told := (holder.campaign, holder.pid)):
            print(f"waiting for the end of {holder}", file=sys.stderr, flush=True)
        time.sleep(POLL_S)


def _taken(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Holder:
    """pid: None where it cannot be seen."""

    campaign: str
    pid: int | None = None
    age_s: float = 0.0

    def __str__(self) -> str:
        seen = f" (process {self.pid}, for {duration(self.age_s)})"
        return self.campaign if self.pid is None else f"{self.campaign}{seen}"


def _holder(inode: int) -> _Holder:
    """The campaign that has the lock, as far as this user and this container can see it."""
    elsewhere = _Holder("a campaign of another container, whose processes cannot be seen from here,")
    pid = next((int(pid) for kind, pid, locked in _locks() if kind == "FLOCK" and locked == inode), None)
    if pid is None:
        return elsewhere
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                if found := _RUN.fullmatch(str(fd.readlink())):
                    return _Holder(f"campaign {found[1]}", pid, time.time() - fd.stat().st_mtime)
    with contextlib.suppress(OSError):
        uid = Path(f"/proc/{pid}").stat().st_uid
        return _Holder(f"a campaign of user {uid}", pid, _age_s(pid))
    return elsewhere


def _age_s(pid: int) -> float:
    """Of a process: field 22 of /proc/PID/stat, in ticks since the machine started."""
    started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return float(Path("/proc/uptime").read_text().split()[0]) - int(started) / os.sysconf("SC_CLK_TCK")


def _locks() -> Iterator[tuple[str, str, int]]:
    """Kind, process and inode of all locks whose processes are visible here."""
    for line in Path("/proc/locks").read_text().splitlines():
        words = line.split()  # 2: FLOCK  ADVISORY  WRITE 23603 00:04:4026531834 0 EOF
        if words[1] != "->":  # somebody who waits for it
            yield words[1], words[4], int(words[5].rpartition(":")[2])


def main() -> int:
    """For `make clean`, which would take away what a campaign uses."""
    refuse_beside_campaign("clean")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
