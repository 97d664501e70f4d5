"""Who may ask: only pages of this origin, and on loopback only under its own names.

Its rule: a browser that runs somebody else's page is a stranger, though the request comes from this machine. Locust
answers every origin (it sets Access-Control-Allow-Origin: *), so the refusal is made here and holds for its routes too.

- A request that a browser says is of another site (Sec-Fetch-Site, Origin) may load nothing and change nothing; to
  follow a link to a page is all right.
- On loopback a Host that is no name of loopback is refused: that is what DNS rebinding looks like.
- What changes something on our routes must also bear a header that no form and no simple request can have.
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
# What a run left behind, reports and flame graphs, has scripts inside: it gets an origin of its own, and no network.
SANDBOX = "sandbox allow-scripts allow-popups allow-downloads allow-modals"


def refusal(request: flask.Request, web_host: str, prefix: str) -> str | None:
    """Why this request is refused; None when it is fine. web_host: where browsers reach it. prefix: of our routes."""
    if is_loopback(web_host) and not is_loopback(_name(request.host)) and _name(request.host) != web_host:
        return f"this is the bench on loopback, and not {request.host!r}: open it as http://127.0.0.1 or localhost"
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    follows_link = request.method in SAFE and request.headers.get("Sec-Fetch-Mode") == "navigate"
    if site in ("cross-site", "same-site") and not follows_link:
        return "a page of another site asked for this: open the bench itself"
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        return f"a page of {origin} asked for this: open the bench itself"
    if request.method not in SAFE and request.path.startswith(f"{prefix}/") and HEADER not in request.headers:
        return f"what changes something must bear the header {HEADER}"
    return None


def is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name in LOOPBACK_NAMES


def _name(host: str) -> str:
    """Of a Host header: without its port, and an IPv6 address without its brackets."""
    return (urlsplit(f"//{host}").hostname or "") if host else ""


def protected(response: flask.Response, policy: str = POLICY) -> flask.Response:
    """Headers of everything that is ours."""
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    # Flask-CORS leaves a header alone that is there: no other origin may read this.
    response.headers["Access-Control-Allow-Origin"] = flask.request.host_url.rstrip("/")
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
