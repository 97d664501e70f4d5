"""What must hold before there is a window, and the one download that a cold cell's is.

Its rule: what is wrong with a server or its file is found before anything is measured.
"""

import http.client
import time

from errors import UserError
from load.agent.client import AgentClient
from load.users.connection import DownloadConnection, DownloadError
from load.users.locust_users import DownloadUser
from profiles.targets.http_probe import unverified_tls
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


ANSWER_S = 5.0


MOST_SAID_BYTES = 1000


def missing_reason(user_class: type[DownloadUser]) -> str | None:
    """What a server says that it lacks; None for one that can send."""
    connection = (
        http.client.HTTPSConnection(*user_class.address, timeout=ANSWER_S, context=unverified_tls())
        if user_class.tls
        else http.client.HTTPConnection(*user_class.address, timeout=ANSWER_S)
    )
    try:
        connection.request("GET", user_class.path, headers={"Range": "bytes=0-0"})
        response = connection.getresponse()
        said = response.read(MOST_SAID_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None  # its users will say what is wrong
    finally:
        connection.close()
    if response.status != http.client.NOT_IMPLEMENTED:
        return None
    return said.strip().rpartition("data path needs: ")[2]
