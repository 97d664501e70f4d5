"""Two network namespaces of this machine with a veth pair between them (ip-netns(8), veth(4)).

Its rule: namespaces are removed at the end, or, after a kill, when the next pair is made. Their names hold the ID of
the process that made them, and no others are ever touched.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from errors import UsageError, UserError

SERVERS_ADDRESS, LOAD_ADDRESS = "10.213.0.1", "10.213.0.2"
SERVERS_INTERFACE, LOAD_INTERFACE = "servers0", "load0"
LEAST_MTU, MOST_MTU = 576, 65535
MAKER = b"--netns"  # on the command line of a process that makes them

_NAME = re.compile(r"bench-(\d+)-(servers|load)")
_RATE = re.compile(r"(\d+(?:\.\d+)?)([kmg]?)bit")
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
LEAST_BITS, MOST_BITS = 10**6, 10**11
REFILL_S = 0.004  # a token bucket holds the bytes between two ticks of a kernel with 250 Hz (tc-tbf(8))
LEAST_BURST_BYTES = 16 << 10
QUEUE_MS = 50


@dataclass(frozen=True, slots=True)
class Link:
    """rate_bits_per_s: the limit of either end; None for no limit. mtu: None for veth's default, 1500."""

    rate_bits_per_s: int | None = None
    mtu: int | None = None

    @classmethod
    def parse(cls, rate: str | None, mtu: int | None) -> "Link":
        """rate: in the form of tc(8): 1gbit, 100mbit. Raises UsageError."""
        found = _RATE.fullmatch(rate.lower()) if rate else None
        bits = round(float(found[1]) * _FACTORS[found[2]]) if found else None
        if rate and (bits is None or not LEAST_BITS <= bits <= MOST_BITS):
            raise UsageError(f"RATE={rate!r}: give 1mbit to 100gbit")
        if mtu is not None and not LEAST_MTU <= mtu <= MOST_MTU:
            raise UsageError(f"MTU={mtu}: give {LEAST_MTU} to {MOST_MTU} bytes")
        return cls(bits, mtu)


@dataclass(frozen=True, slots=True)
class Pair:
    """Names of two connected namespaces."""

    servers: str
    load: str


@contextlib.contextmanager
def joined(link: Link) -> Iterator[Pair]:
    """Two namespaces, until the end. Removes those that a killed process left behind first. Raises UserError."""
    _refuse()
    remove_left_behind()
    pair = Pair(f"bench-{os.getpid()}-servers", f"bench-{os.getpid()}-load")
    try:
        _make(pair, link)
        yield pair
    finally:
        for name in (pair.load, pair.servers):
            _remove(name)


def remove_left_behind() -> None:
    """Remove namespaces whose maker has ended, and kill what still runs in them."""
    for name in _existing():
        found = _NAME.fullmatch(name)
        if found and not _makes(int(found[1])):
            _remove(name)


def inside(namespace: str, command: list[str]) -> list[str]:
    """The command line that runs a command in a namespace; it inherits all descriptors."""
    return ["ip", "netns", "exec", namespace, *command]


def _refuse() -> None:
    """Raises UserError where namespaces cannot be made."""
    if os.geteuid() != 0:
        raise UserError("NETNS=1 makes network namespaces, which root alone may: run it with sudo, or leave NETNS out")
    for program in ("ip", "tc"):
        if shutil.which(program) is None:
            raise UserError(f"NETNS=1 needs {program}: install iproute2")


def _make(pair: Pair, link: Link) -> None:
    ends = ((pair.servers, SERVERS_INTERFACE, SERVERS_ADDRESS), (pair.load, LOAD_INTERFACE, LOAD_ADDRESS))
    for name, _, _ in ends:
        _run("ip", "netns", "add", name)
        _run("ip", "-n", name, "link", "set", "lo", "up")
    _run(
        *("ip", "link", "add", SERVERS_INTERFACE, "netns", pair.servers, "type", "veth"),
        *("peer", "name", LOAD_INTERFACE, "netns", pair.load),
    )
    for name, interface, address in ends:
        _run("ip", "-n", name, "address", "add", f"{address}/30", "dev", interface)
        if link.mtu is not None:
            _run("ip", "-n", name, "link", "set", interface, "mtu", str(link.mtu))
        _run("ip", "-n", name, "link", "set", interface, "up")
        if link.rate_bits_per_s is not None:
            burst = max(LEAST_BURST_BYTES, round(link.rate_bits_per_s / 8 * REFILL_S))
            _run(
                *("tc", "-n", name, "qdisc", "add", "dev", interface, "root", "tbf"),
                *("rate", f"{link.rate_bits_per_s}bit", "burst", str(burst), "latency", f"{QUEUE_MS}ms"),
            )


def _remove(name: str) -> None:
    """Kill what runs there, which is ours, by the name. The veth pair ends with its namespaces."""
    if name not in _existing():
        return
    for pid in _output("ip", "netns", "pids", name).split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    _run("ip", "netns", "delete", name)


def _existing() -> list[str]:
    return [line.split()[0] for line in _output("ip", "netns", "list").splitlines() if line.strip()]


def _makes(pid: int) -> bool:
    """Whether this process makes namespaces: its ID may belong to another one by now."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return any(word.startswith(MAKER) for word in words)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UserError(
            f"`{' '.join(command)}` was refused: {why}; a container needs the capabilities NET_ADMIN and SYS_ADMIN"
        )
