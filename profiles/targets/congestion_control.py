"""The congestion control of a guest that we started: the one that our own servers choose.

Its rule: what is compared is a data path, so whoever can be made equal in everything else is. Our servers set cubic on
their listening socket (servers/sockets.py); a guest knows nothing of that, and gets the machine's default, which may be
BBR, which paces. So its listening sockets are borrowed (pidfd_getfd(2), Linux 5.6: allowed to whoever may trace it) and
set: connections that they accept from then on inherit it. Nothing of the machine is changed.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

CHOICES = ("cubic", "reno")  # as ours
_SYS_PIDFD_GETFD = 438  # the number is the same on every architecture, since Linux 5.6
_LIBC = ctypes.CDLL(None, use_errno=True)


def set_congestion_control(pids: Iterable[int], port: int) -> None:
    """Set it on all sockets of these processes that listen on the port, as far as we are let."""
    for pid in pids:
        with contextlib.suppress(OSError):  # it has ended, or may not be touched: what is in force is looked at anyway
            for sock in _borrowed(pid):
                with sock:
                    if _listens(sock, port):
                        _set(sock)


def _borrowed(pid: int) -> Iterator[socket.socket]:
    """A process's sockets, as descriptors of ours; each is closed by whoever takes it."""
    pidfd = os.pidfd_open(pid)
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208  # names, not paths
            fd = _LIBC.syscall(_SYS_PIDFD_GETFD, pidfd, int(name), 0) if _is_socket(pid, name) else -1
            if fd >= 0:  # else it was closed in between, or may not be had
                os.set_inheritable(fd, False)
                yield socket.socket(fileno=fd)
    finally:
        os.close(pidfd)


def _is_socket(pid: int, name: str) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")  # noqa: PTH115
    except OSError:
        return False


def _listens(sock: socket.socket, port: int) -> bool:
    if sock.family not in (socket.AF_INET, socket.AF_INET6) or sock.type != socket.SOCK_STREAM:
        return False
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1 and sock.getsockname()[1] == port


def _set(sock: socket.socket) -> None:
    for name in CHOICES:
        with contextlib.suppress(OSError):  # a container may be allowed reno alone
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
            return


_AVAILABLE = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")


def congestion_control(port: int) -> str:
    """What a connection to this port uses on the server's side, else what its listener hands on, by ss(8).

    "" where nobody can tell: without ss, or where the server is in another network namespace. Connections that use
    different ones are not told apart.
    """
    if shutil.which("ss") is None:
        return ""
    known = _AVAILABLE.read_text().split() if _AVAILABLE.exists() else []
    for state in ("connected", "listening"):
        command = ["ss", "-tinH", "state", state, f"( sport = :{port} )"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if found := next((word for word in said if word in known), ""):
            return found
    return ""
