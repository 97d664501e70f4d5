"""Congestion control of an external server: read with ss, and set to the one that our own servers use.

Our servers set cubic on their listening socket (servers/sockets.py). An external server gets the machine's default,
which may be BBR; BBR paces, and would decide the comparison. So a server that we started has its listening sockets
duplicated (pidfd_getfd(2), Linux 5.6, allowed to whoever may trace it) and set; connections that they accept from then
on inherit it. No setting of the machine is changed.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

CHOICES = ("cubic", "reno")  # in the order of servers/sockets.py
_SYS_PIDFD_GETFD = 438  # the same number on every architecture
_LIBC = ctypes.CDLL(None, use_errno=True)
_AVAILABLE = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")


def set_congestion_control(pids: Iterable[int], port: int) -> None:
    """Set it on every socket of these processes that listens on the port, where that is permitted."""
    for pid in pids:
        with contextlib.suppress(OSError, psutil.Error):  # it ended, or is not ours: what is in force is read anyway
            for one in psutil.Process(pid).net_connections("tcp"):
                if one.status == psutil.CONN_LISTEN and one.laddr.port == port:
                    _set(pid, one.fd)


def _set(pid: int, fd: int) -> None:
    """Raises OSError where the process has ended."""
    pidfd = os.pidfd_open(pid)
    try:
        duplicate = _LIBC.syscall(_SYS_PIDFD_GETFD, pidfd, fd, 0)
    finally:
        os.close(pidfd)
    if duplicate < 0:  # closed in the meantime, or not permitted
        return
    with socket.socket(fileno=duplicate) as sock:
        for name in CHOICES:
            with contextlib.suppress(OSError):  # a container may allow reno alone
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
                return


def congestion_control(port: int) -> str:
    """What the server's end of a connection to this port uses, else what its listener hands on, by ss(8).

    "" where it cannot be known: without ss, or for a server in another network namespace. Only the first connection
    that ss lists is looked at.
    """
    if shutil.which("ss") is None:
        return ""
    known = _AVAILABLE.read_text().split() if _AVAILABLE.exists() else []
    for state in ("connected", "listening"):
        command = ["ss", "-tinH", "state", state, f"( sport = :{port} )"]
        words = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if found := next((word for word in words if word in known), ""):
            return found
    return ""
