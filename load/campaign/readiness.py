"""Checks before anything is measured: is the server ready, is the file cold, does the machine lack the mode?"""

import http.client
import resource
from collections.abc import Sequence

from errors import UsageError, UserError
from load.agent.client import AgentClient
from load.campaign.settings import Settings
from load.users.connection import DownloadConnection
from load.users.failures import ConnectError, DownloadError
from load.users.locust_users import DownloadUser
from profiles.protocol import Facts
from profiles.targets.http_probe import unverified_tls
from reports.analysis.disturbance import MOST_RESIDENT

ANSWER_TIMEOUT_S = 5.0
MAX_REASON_BYTES = 1000
OWN_DESCRIPTORS = 40  # of the load, without its users


def check_ready(connection: DownloadConnection, user_class: type[DownloadUser]) -> None:
    """One whole download: is this server ready, and does it send the right file? Raises UserError."""
    try:
        connection.download(user_class.path)
    except DownloadError as error:
        why = error.reason
        if isinstance(error, ConnectError):  # the server said that it was ready
            why += "; where a firewall is in between, PORTS=fixed keeps to the ports of docs/data-paths.md"
        raise UserError(f"{user_class.target} does not serve {user_class.path}: {why}") from error


def check_measurable(agent: AgentClient, settings: Settings, facts: Facts) -> None:
    """Raises UserError for what cannot be measured here, before a run has a folder."""
    if reason := shortage(settings, facts, settings.users, settings.measured_modes):
        raise UsageError(f"USERS={settings.users} does not fit: {reason}")
    file = facts.file
    if not file.size_bytes:
        raise UserError(f"{file.path} is empty, so there is no cost per GiB: give a SIZE like 256MiB")
    if settings.cache != "warm":
        others = {target.name for target in facts.targets if target.sha256} & {*map(settings.mode_of, settings.modes)}
        if others:
            raise UserError(
                f"{' and '.join(others)} cannot be made cold: CACHE={settings.cache} drops only {file.path}"
            )
        left = agent.drop().resident_share
        if left is not None and left <= MOST_RESIDENT:
            return
        found = "it is unknown how much of it is" if left is None else f"{100 * left:.3g} % of it stayed"
        raise UserError(
            f"{file.path} cannot be made cold: {found} in the page cache after it was dropped; it must belong to you, "
            f"and no process may map it; or measure with CACHE=warm"
        )


def shortage(settings: Settings, facts: Facts, users: int, modes: Sequence[str]) -> str | None:
    """Why so many users of each of these modes have no room, at the servers or here; None where they have."""
    external = {target.name for target in facts.targets if target.external}
    most = facts.most_connections
    if most is not None and users > most and {*map(settings.mode_of, modes)} - external:
        return (
            f"a server takes {most} connections here, as its limit on open files allows (`ulimit -n`, 7 for each) and "
            f"never more than 2048; raise the limit where the servers run, or ask for {most} users"
        )
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = users * len(modes) // max(1, settings.workers) + OWN_DESCRIPTORS
    if settings.master is not None or needed <= limit or limit == resource.RLIM_INFINITY:
        return None
    return f"{needed} open files are needed here, and {limit} are allowed: raise that (`ulimit -n`), or ask for less"


def missing_reason(user_class: type[DownloadUser]) -> str | None:
    """What a server reports as missing on this machine; None for one that can send. A raw one, a server of the user's
    own, is not asked: it would have to send the whole file."""
    if user_class.protocol == "raw":
        return None
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
