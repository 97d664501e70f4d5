"""One whole download, whatever the server speaks."""

from profiles.targets import http_probe, raw_probe
from profiles.targets.http_probe import Body, Endpoint


def download(endpoint: Endpoint, timeout_s: float) -> Body:
    """Raises OSError, http.client.HTTPException."""
    if endpoint.protocol == "raw":
        return raw_probe.download(endpoint, timeout_s)
    return http_probe.download(endpoint, timeout_s)
