"""What must hold before there is a window, and the one download that a cold cell's is.

Its rule: what is wrong with a server or its file is found before anything is measured.
"""

import time

from errors import UserError
from load.agent.client import AgentClient
from load.users.connection import DownloadConnection, DownloadError
from load.users.locust_users import DownloadUser
from reports.analysis.disturbance import MOST_RESIDENT


def check_ready(connection: DownloadConnection, user_class: type[DownloadUser]) -> None:
    """One whole download before any load: is this server ready, and does it send what it should? Raises UserError."""
    try:
        connection.download(user_class.path)
    except DownloadError as error:
        raise UserError(
            f"{user_class.target} does not serve {user_class.path}: {type(error).__name__}: {error}"
        ) from error


def check_cold(agent: AgentClient, name: str) -> None:
    """Raises UserError where the served file, of this name, does not leave the page cache when it is dropped."""
    left = agent.drop().resident_share
    if left is None or left > MOST_RESIDENT:
        found = "nobody can tell how much of it is" if left is None else f"{100 * left:.3g} % of it stayed"
        raise UserError(
            f"{name} cannot be made cold: {found} in the page cache after it was dropped; it must belong to you and be "
            f"mapped by nobody, or measure with CACHE=warm"
        )


def download_once(connection: DownloadConnection, user_class: type[DownloadUser]) -> None:
    """One download by one user, counted as the many of a loaded cell are."""
    meter = user_class.meter
    started_s = time.perf_counter()
    try:
        connection.download(user_class.path)
    except DownloadError as error:
        meter.add_failure(type(error).__name__)
    else:
        meter.add_download(time.perf_counter() - started_s)
