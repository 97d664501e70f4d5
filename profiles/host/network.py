"""Facts about the interface and the sockets that the traffic goes through (docs/method.md §8). None is "unknown".

Offloads come from the SIOCETHTOOL ioctl, netdevice(7) and linux/ethtool.h, so that no program need be installed.
"""

import ctypes
import fcntl
import shutil
import socket
import struct
import subprocess

import psutil

LOOPBACK = "lo"
SERVER_SOCKET_OPTIONS = "TCP_NODELAY, TCP_CORK, SO_RCVTIMEO, SO_SNDTIMEO"  # what servers/sockets.py sets while it sends

_SIOCETHTOOL = 0x8946
_ETHTOOL_GDRVINFO = 0x3
_DRVINFO_BYTES, _VALUE_BYTES = 196, 8  # struct ethtool_drvinfo, struct ethtool_value
_GET = {  # ETHTOOL_G* commands, each answered with one number
    "rx-checksum": 0x14,
    "tx-checksum": 0x16,
    "scatter-gather": 0x18,
    "tso": 0x1E,
    "gso": 0x23,
    "gro": 0x2B,
}


def interface_of(address: str) -> str | None:
    """The name of the interface that has this address; None where none has."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(one.address.partition("%")[0] == address.partition("%")[0] for one in addresses):
            return name
    return None


def described(interface: str | None) -> str | None:
    """The interface in words: "loopback", "eth0 (virtio_net)", "veth b0 (a pair of namespaces, not a NIC)"."""
    if interface is None or interface == LOOPBACK:
        return "loopback" if interface else None
    driver = _driver(interface)
    if driver == "veth":
        return f"veth {interface} (a pair of namespaces on one machine, not a NIC)"
    return f"{interface} ({driver or 'driver unknown'})"


def mtu(interface: str | None) -> int | None:
    facts = psutil.net_if_stats().get(interface or "")
    return facts.mtu if facts else None


def speed(interface: str | None) -> str | None:
    """The link's nominal speed."""
    facts = psutil.net_if_stats().get(interface or "")
    return f"{facts.speed:,} Mbit/s" if facts and facts.speed > 0 else None


def queueing(interface: str | None) -> str | None:
    """Queueing disciplines of the interface, such as a rate limit or a delay, by tc(8); None without tc."""
    if interface is None or shutil.which("tc") is None:
        return None
    done = subprocess.run(["tc", "qdisc", "show", "dev", interface], capture_output=True, text=True, check=False)
    lines = [line.removeprefix("qdisc ").strip() for line in done.stdout.splitlines()]
    return "; ".join(lines) or None


def _driver(interface: str) -> str | None:
    """ETHTOOL_GDRVINFO answers with a struct ethtool_drvinfo: the command, then 32 bytes of name."""
    answer = _ethtool(interface, _ETHTOOL_GDRVINFO, _DRVINFO_BYTES)
    return answer[:32].partition(b"\0")[0].decode("ascii", "replace") or None


def offloads(interface: str | None = LOOPBACK) -> str | None:
    """Work that the interface does for the CPU, as "tso on, gro off, …"."""
    if interface is None:
        return None
    found = {name: _ethtool(interface, command, _VALUE_BYTES) for name, command in _GET.items()}
    return ", ".join(f"{name} {'on' if any(value) else 'off'}" for name, value in found.items() if value) or None


def _ethtool(interface: str, command: int, size: int) -> bytes:
    """What SIOCETHTOOL writes behind the command into memory of this size; empty where it refuses."""
    memory = ctypes.create_string_buffer(struct.pack("I", command), size)
    request = struct.pack("16sP16x", interface.encode(), ctypes.addressof(memory))  # struct ifreq
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            fcntl.ioctl(sock, _SIOCETHTOOL, request)
        except OSError:
            return b""
    return memory.raw[4:]


def default_buffers() -> str:
    """Buffer sizes of a new TCP socket in bytes; no server sets others, so the kernel tunes from there (tcp(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sizes = {name: sock.getsockopt(socket.SOL_SOCKET, getattr(socket, name)) for name in ("SO_SNDBUF", "SO_RCVBUF")}
    return ", ".join(f"{name} {size}" for name, size in sizes.items())
