"""Two free ports for a server that is told its ports: below those that the kernel gives to whoever asks for any."""

import random
import socket

BELOW_EPHEMERAL = range(20_000, 30_000)  # net.ipv4.ip_local_port_range begins at 32768, ip(7)


def two_ports() -> tuple[int, int]:
    one, two, *_ = (port for port in random.sample(BELOW_EPHEMERAL, 20) if _is_free(port))
    return one, two


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
