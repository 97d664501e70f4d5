"""Facts about the interface and the sockets that the bytes go through (method.md §8).

Its rule: what the kernel does not say is None, "unknown". Offloads come from the SIOCETHTOOL ioctl, netdevice(7) and
linux/ethtool.h, so that no program need be installed.
"""

import array
import fcntl
import socket
import struct

INTERFACE = "lo"
SERVER_SOCKET_OPTIONS = "TCP_NODELAY, TCP_CORK, SO_RCVTIMEO, SO_SNDTIMEO"  # what servers/sockets.py sets while it sends

_SIOCETHTOOL = 0x8946
_GET = {  # ETHTOOL_G* commands, each answered with one number
    "rx-checksum": 0x14,
    "tx-checksum": 0x16,
    "scatter-gather": 0x18,
    "tso": 0x1E,
    "gso": 0x23,
    "gro": 0x2B,
}


def offloads(interface: str = INTERFACE) -> str | None:
    """What the interface takes off the CPU, as "tso on, gro off, …"; None where it says nothing."""
    found = {name: _ask(interface, command) for name, command in _GET.items()}
    known = {name: value for name, value in found.items() if value is not None}
    return ", ".join(f"{name} {'on' if value else 'off'}" for name, value in known.items()) or None


def _ask(interface: str, command: int) -> int | None:
    answer = array.array("I", [command, 0])  # struct ethtool_value
    request = struct.pack("16sP", interface.encode(), answer.buffer_info()[0])  # the head of struct ifreq
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            fcntl.ioctl(sock, _SIOCETHTOOL, request + bytes(40 - len(request)))
        except OSError:
            return None
    return answer[1]


def default_buffers() -> str:
    """What a fresh TCP socket gets: nobody here sets another size, so the kernel tunes from there (tcp(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sizes = {name: sock.getsockopt(socket.SOL_SOCKET, getattr(socket, name)) for name in ("SO_SNDBUF", "SO_RCVBUF")}
    return ", ".join(f"{name} {size}" for name, size in sizes.items())
