"""Refuses requests of other origins, on our routes and on Locust's.

Its rule: a page of another site must not use this one, though its requests come from a browser on this machine. Locust
answers every origin (it sets Access-Control-Allow-Origin: *), so requests are refused here.

- A request of another site (Sec-Fetch-Site, Origin) may read nothing and change nothing. Following a link is allowed.
- On loopback, a Host that is not a name of loopback is refused: that is DNS rebinding.
- A request that changes something on our routes needs a header that no form and no simple request can have.
"""

import ipaddress
from urllib.parse import urlsplit

import flask

HEADER = "X-Bench"
SAFE = ("GET", "HEAD")
LOOPBACK_NAMES = ("localhost", "ip6-localhost")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Reports and flame graphs contain scripts: they get an origin of their own, and no network.
SANDBOX = "sandbox allow-scripts allow-popups allow-downloads allow-modals"


def refusal(request: flask.Request, web_host: str, prefix: str) -> str | None:
    """Why this request is refused; None when it is not. web_host: where browsers reach us. prefix: of our routes."""
    here, published = _name(request.host), not is_loopback(web_host)
    if not published and not is_loopback(here) and here != web_host:
        why = f"the bench is on loopback, not on {request.host!r}: open it as http://127.0.0.1 or localhost"
        return why + _behind_a_proxy(here)
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    follows_link = request.method in SAFE and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if site in ("cross-site", "same-site") and not follows_link:
        return "a page of another site asked for this: open the bench itself"
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.host:
        name = _name(origin.partition("://")[2])
        if not (published and name == web_host):  # a proxy that keeps the host name to itself
            return f"a page of {origin} asked for this: open the bench itself{_behind_a_proxy(name)}"
    if request.method not in SAFE and request.path.startswith(f"{prefix}/") and HEADER not in request.headers:
        return f"a request that changes something needs the header {HEADER}"
    return None


def is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in LOOPBACK_NAMES


def _behind_a_proxy(name: str) -> str:
    return f"; behind a proxy start it with --published-on {name}" if name else ""


def _name(host: str) -> str:
    """The host name of a Host or Origin header, without port and brackets; "" for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def protected(response: flask.Response, policy: str = POLICY) -> flask.Response:
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    # Flask-CORS does not replace this header: no other origin may read the response.
    response.headers["Access-Control-Allow-Origin"] = flask.request.host_url.rstrip("/")
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
