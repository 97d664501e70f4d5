"""What raw servers send that are given no folder to serve: a file of their own, which one download of it tells.

Its rule: each is started as for a measurement, asked once for all of its file, and stopped.
"""

import time
from collections.abc import Iterable
from pathlib import Path

from errors import UserError
from profiles.protocol import Start
from profiles.targets import raw_probe
from profiles.targets.catalog import Target
from profiles.targets.external_server import serving
from profiles.targets.http_probe import Body, Endpoint

SILENT_S = 20.0  # a server that speaks HTTP waits for a request
SAYING_S = 0.2  # until what a thread writes when it fails is written to its end


def files_of(targets: Iterable[Target]) -> dict[str, Body]:
    """The file of each that has one of its own, by the target's name. Raises UserError where it sends none."""
    return {target.name: _file_of(target) for target in targets if _has_own_file(target)}


def _has_own_file(target: Target) -> bool:
    facts, external = target.facts, target.external
    if external is None or facts.protocol != "raw" or facts.size_bytes is not None:
        return False
    return not external.uses("root")


def _file_of(target: Target) -> Body:
    with serving(target, Path(), Start(target.name, any_port=True)) as server:
        where = target.external.cwd if target.external else ""
        endpoint = Endpoint(server.host, server.port, target.facts.path, tls=False, protocol="raw")
        try:
            return raw_probe.download(endpoint, SILENT_S)
        except OSError as error:
            time.sleep(SAYING_S)
            line = f" ({said})" if (said := server.last_stderr_line()) else ""
            raise UserError(
                f"{target.name} at {endpoint} sent no file to who connects and asks for nothing: {error}{line}; leave "
                f"out PROTOCOL=raw where it speaks HTTP, and see that its file lies where it is started, {where}"
            ) from error
