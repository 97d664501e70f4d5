"""What the kernel says of the interface, checked where another source says it too."""

import shutil
import subprocess

import pytest

from load.users.connection import SOCKET_OPTIONS
from profiles.host import network
from tests.conftest import PROJECT


def test_an_interface_that_is_not_there_has_no_offloads() -> None:
    assert network.offloads("no-such-if0") is None


@pytest.mark.skipif(shutil.which("ethtool") is None, reason="ethtool is not installed, which would say it too")
def test_the_offloads_are_those_that_ethtool_shows() -> None:
    told = subprocess.run(["ethtool", "-k", "lo"], capture_output=True, text=True, check=True).stdout
    features = dict(line.strip().split(": ")[:2] for line in told.splitlines() if ": " in line)
    for ours, theirs in {"tso": "tcp-segmentation-offload", "gro": "generic-receive-offload"}.items():
        assert f"{ours} {features[theirs].split()[0]}" in str(network.offloads("lo"))


def test_buffers_and_options_are_named_with_their_sizes() -> None:
    assert "SO_SNDBUF " in network.default_buffers() and "SO_RCVBUF " in network.default_buffers()
    for options, source in (
        (SOCKET_OPTIONS, "load/users/connection.py"),
        (network.SERVER_SOCKET_OPTIONS, "servers/sockets.py"),
    ):
        code = (PROJECT / source).read_text()
        assert all(f", socket.{option.split()[0]}, " in code for option in options.split(", ")), options
