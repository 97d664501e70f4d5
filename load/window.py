"""The edges of a window, and the one download before all windows.

Its rule: what the users counted is read around the agent's snapshot, so that both can be said of one moment.
"""

import time

from errors import UserError
from load.cell import Edge, interpolate
from load.client import Connection, DownloadError
from load.meter import Meter
from load.server_host import ServerHost
from load.users import PATH


def edge(host: ServerHost, meter: Meter) -> Edge:
    before_s, before_bytes, before_downloads = time.monotonic(), meter.received_bytes, meter.downloads
    snapshot = host.snapshot()
    after_s, after_bytes, after_downloads = time.monotonic(), meter.received_bytes, meter.downloads
    return Edge(
        snapshot,
        interpolate(snapshot.monotonic_s, (before_s, before_bytes), (after_s, after_bytes)),
        interpolate(snapshot.monotonic_s, (before_s, before_downloads), (after_s, after_downloads)),
    )


def check_ready(connection: Connection, mode: str) -> None:
    """One whole download before any load: is this server ready, and does it send what it should? Raises UserError."""
    try:
        connection.download(PATH)
    except DownloadError as error:
        raise UserError(f"{mode} does not serve {PATH}: {type(error).__name__}: {error}") from error


def download_once(connection: Connection, meter: Meter) -> None:
    """One download by one user, counted as the many of a loaded cell are."""
    started_s = time.perf_counter()
    try:
        connection.download(PATH)
    except DownloadError as error:
        meter.add_failure(type(error).__name__)
    else:
        meter.add_download(time.perf_counter() - started_s)
