"""The edges of a window, and what must hold before there is one.

Its rule: what the users counted is read around the agent's snapshot, so that both can be said of one moment.
"""

import time
from collections.abc import Sequence

from errors import UserError
from load.agent_client import AgentClient
from load.cell import Edge, interpolate
from load.client import Connection, DownloadError
from load.meter import Meter
from load.users import DownloadUser
from reports.disturbance import MOST_RESIDENT


def edge(host: AgentClient, meter: Meter) -> Edge:
    (found,) = edges(host, [meter])
    return found


def edges(host: AgentClient, meters: Sequence[Meter]) -> list[Edge]:
    """One snapshot, and what each of these meters had counted by then."""
    before_s, before = time.monotonic(), [(meter.received_bytes, meter.downloads) for meter in meters]
    reading = host.read()
    after_s, after = time.monotonic(), [(meter.received_bytes, meter.downloads) for meter in meters]

    def counted(first: int, last: int) -> float:
        return interpolate(reading.moment_s, (before_s, first), (after_s, last))

    return [
        Edge(
            reading.snapshot,
            reading.moment_s,
            reading.uncertainty_s,
            counted(first[0], last[0]),
            counted(first[1], last[1]),
        )
        for first, last in zip(before, after, strict=True)
    ]


def check_ready(connection: Connection, users: type[DownloadUser]) -> None:
    """One whole download before any load: is this server ready, and does it send what it should? Raises UserError."""
    try:
        connection.download(users.path)
    except DownloadError as error:
        raise UserError(f"{users.target} does not serve {users.path}: {type(error).__name__}: {error}") from error


def check_cold(host: AgentClient, name: str) -> None:
    """Raises UserError where the served file, of this name, does not leave the page cache when it is dropped."""
    left = host.drop().resident_share
    if left is None or left > MOST_RESIDENT:
        found = "nobody can tell how much of it is" if left is None else f"{100 * left:.3g} % of it stayed"
        raise UserError(
            f"{name} cannot be made cold: {found} in the page cache after it was dropped; it must belong to you and be "
            f"mapped by nobody, or measure with CACHE=warm"
        )


def download_once(connection: Connection, users: type[DownloadUser]) -> None:
    """One download by one user, counted as the many of a loaded cell are."""
    meter = users.meter
    started_s = time.perf_counter()
    try:
        connection.download(users.path)
    except DownloadError as error:
        meter.add_failure(type(error).__name__)
    else:
        meter.add_download(time.perf_counter() - started_s)
