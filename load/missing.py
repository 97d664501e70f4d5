"""Whether this machine has what a mode needs, as its own server says: it answers 501, and why.

Its rule: one byte is asked for, so that it is known before anybody downloads.
"""

import http.client

from load.users.connection import tls_context
from load.users.locust_users import DownloadUser

ANSWER_S = 5.0
MOST_SAID_BYTES = 1000


def missing_reason(user_class: type[DownloadUser]) -> str | None:
    """What a server says that it lacks; None for one that can send."""
    connection = (
        http.client.HTTPSConnection(*user_class.address, timeout=ANSWER_S, context=tls_context())
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
