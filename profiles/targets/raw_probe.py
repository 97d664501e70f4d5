"""Downloads from a raw server (servers/raw.py says what that is), for readiness and proofs, never timed.

Its rule: whole downloads alone, and none to see whether it is there. The course's server takes a peer that leaves early
for an error, and no longer serves that port. And as load/users/raw_connection.py does, it ends with a reset.

Whatever goes wrong is an OSError.
"""

import hashlib
import socket
import struct
from collections.abc import Iterator

from profiles.targets.http_probe import Body, Endpoint

_PIECE_BYTES = 1 << 20
_RESET_AT_ONCE = struct.pack("ii", 1, 0)


def download(endpoint: Endpoint, timeout_s: float) -> Body:
    """The whole file: whatever comes until the server closes. Raises OSError where nothing does."""
    digest, size_bytes = hashlib.sha256(), 0
    for piece in pieces(endpoint, timeout_s):
        digest.update(piece)
        size_bytes += len(piece)
    if not size_bytes:
        raise ConnectionError("the connection ended before a byte came")
    return Body(size_bytes, digest.hexdigest(), "", keeps_alive=False)


def pieces(endpoint: Endpoint, timeout_s: float) -> Iterator[bytes]:
    """All that comes, until the server closes. timeout_s: for how long nothing may come."""
    with socket.create_connection((endpoint.host, endpoint.port), timeout_s) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        while piece := sock.recv(_PIECE_BYTES):
            yield piece
