"""No mode's memory grows with the file, except read-whole's: the server's peak as the kernel counts it (VmHWM).

Mapped pages of the file count too, up to a window of 16 MiB, which both files fill.
"""

import os
from collections.abc import Callable
from pathlib import Path

from load.users.connection import DownloadConnection
from profiles.metrics.process import ProcessReader
from servers import discovery
from tests.servers.probe import now_or_slow, skip_if_missing
from tests.servers.process import ServerProcess
from units import MIB

SMALL_BYTES, LARGE_BYTES = 20 * MIB, 100 * MIB
GROWTH_BOUND_BYTES = 4 * MIB


@now_or_slow("read-whole", "sendfile", "vmsplice")
def test_memory_does_not_grow_with_the_file(
    mode_name: str, servers: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    skip_if_missing(mode_name)
    server = servers(mode_name, "--port", "0", "--root", tmp_path)
    port, reader = server.ready_port(), ProcessReader(server.pid)
    small, large = (peak_bytes(reader, port, mode_name, tmp_path, size) for size in (SMALL_BYTES, LARGE_BYTES))
    if mode_name == "read-whole":  # which shows that growth is seen
        assert large - small > (LARGE_BYTES - SMALL_BYTES) * 0.9
    else:
        assert large - small < GROWTH_BOUND_BYTES


def peak_bytes(reader: ProcessReader, port: int, mode_name: str, root: Path, size_bytes: int) -> float:
    """The server's peak so far, after it has sent a file of this size, which is one hole."""
    path = root / str(size_bytes)
    path.touch()
    os.truncate(path, size_bytes)
    tls = discovery.import_mode(mode_name)[0].tls is not None
    connection = DownloadConnection(("127.0.0.1", int(port)), "discard", lambda _: None, size_bytes, tls=tls)
    connection.download(f"/{path.name}")
    peak = reader.read()["peak_rss_bytes"]
    connection.close()
    assert peak is not None
    return peak
