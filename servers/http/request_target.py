"""The target and the Host of a request, RFC 9112 section 3.2.

Its rule: the target's path is served for any host; but a malformed host is refused, since peers that disagree about the
host are how requests are smuggled.
"""

import re
import socket
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from servers.http.responses import HttpError, bad_request

# origin form (/a?q) or absolute form (http://host/a?q); the other forms belong to CONNECT and OPTIONS
_TARGET = re.compile(rb"(?:([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*))?(/[^?#]*)?(?:\?[^#]*)?")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_NAME = rb"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"  # reg-name, an IPv4 address included: RFC 3986, 3.2.2
_HOST = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|" + _NAME + rb")(?::\d*)?")  # the grammar does not limit a port


def check_host(value: bytes) -> None:
    """Raises HttpError 400 unless it is host [":" port]. Empty is allowed, RFC 9110 section 7.2."""
    found = _HOST.fullmatch(value)
    if found is None or (found[1] and not _is_ipv6(found[1])):
        raise bad_request("the host is malformed")


def path_of(target: bytes, served: bytes) -> bytes:
    """The percent-decoded path of a target, starting with "/". served: the scheme of the connection.

    Raises HttpError: 400 for a malformed target, 421 for a URL of another scheme.
    """
    found = _TARGET.fullmatch(target)
    if found is None or found[2] == b"":  # an empty host must be rejected, RFC 9110 section 4.2.1
        raise bad_request("the request target is neither a path nor a URL")
    scheme, authority, path = found[1], found[2], found[3]
    if authority is not None:
        if scheme.lower() != served:  # https must not be served without TLS, RFC 9110 section 7.4
            raise HttpError(HTTPStatus.MISDIRECTED_REQUEST, f"only {served.decode()} is served here", closes=True)
        check_host(authority)  # it replaces the Host field, which must still be well-formed
        path = path or b"/"
    if not path:
        raise bad_request("the request target has no path")
    if _BAD_ESCAPE.search(path):
        raise bad_request("the request target has a malformed percent-escape")
    return unquote_to_bytes(path)


def _is_ipv6(text: bytes) -> bool:
    try:
        return bool(socket.inet_pton(socket.AF_INET6, text.decode("ascii")))
    except OSError:
        return False
