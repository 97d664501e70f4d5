"""A download with the standard library: independent of our own client."""

import hashlib
import http.client


def digest_of(port: int, path: str = "/test-file.bin") -> str:
    """The sha256 of what a local server sends for a path; asserts that it was sent with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200
    digest = hashlib.sha256(response.read()).hexdigest()
    connection.close()
    return digest
