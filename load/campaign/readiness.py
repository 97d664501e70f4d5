"""Checks before anything is measured: is the server ready, is the file cold, does the machine lack the mode?"""

import http.client

from errors import UserError
from load.agent.client import AgentClient
from load.campaign.settings import Settings
from load.users.connection import DownloadConnection, DownloadError
from load.users.locust_users import DownloadUser
from profiles.protocol import Facts
from profiles.targets.http_probe import unverified_tls
from reports.analysis.disturbance import MOST_RESIDENT

ANSWER_TIMEOUT_S = 5.0
MAX_REASON_BYTES = 1000


def check_ready(connection: DownloadConnection, user_class: type[DownloadUser]) -> None:
    """One whole download: is this server ready, and does it send the right file? Raises UserError."""
    try:
        connection.download(user_class.path)
    except DownloadError as error:
        why = f"{type(error).__name__}: {error}"
        raise UserError(f"{user_class.target} does not serve {user_class.path}: {why}") from error


def check_measurable(agent: AgentClient, settings: Settings, facts: Facts) -> None:
    """Raises UserError for what cannot be measured here, before a run has a folder."""
    file = facts.file
    if not file.size_bytes:
        raise UserError(f"{file.path} is empty, so there is no cost per GiB: give a SIZE like 256MiB")
    if settings.cache == "cold":
        others = {target.name for target in facts.targets if target.sha256} & {*map(settings.mode_of, settings.modes)}
        if others:
            raise UserError(f"{' and '.join(others)} cannot be made cold: CACHE=cold drops only {file.path}")
        left = agent.drop().resident_share
        if left is not None and left <= MOST_RESIDENT:
            return
        found = "it is unknown how much of it is" if left is None else f"{100 * left:.3g} % of it stayed"
        raise UserError(
            f"{file.path} cannot be made cold: {found} in the page cache after it was dropped; it must belong to you, "
            f"and no process may map it; or measure with CACHE=warm"
        )


def missing_reason(user_class: type[DownloadUser]) -> str | None:
    """What a server reports as missing on this machine; None for one that can send."""
    connection = (
        http.client.HTTPSConnection(*user_class.address, timeout=ANSWER_TIMEOUT_S, context=unverified_tls())
        if user_class.tls
        else http.client.HTTPConnection(*user_class.address, timeout=ANSWER_TIMEOUT_S)
    )
    try:
        connection.request("GET", user_class.path, headers={"Range": "bytes=0-0"})
        response = connection.getresponse()
        body = response.read(MAX_REASON_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return None  # its users will find what is wrong
    finally:
        connection.close()
    if response.status != http.client.NOT_IMPLEMENTED:
        return None
    return body.strip().rpartition("data path needs: ")[2]
