"""The course's client: one connection per download, the time that all of them took, and the server's CPU time.

Its rule: the first line is the course's, "Time taken: … seconds". That is how long *this* client waited; CPU per GiB is
what the data path costs.
"""

import time

from errors import UserError
from load.users.connection import Sink
from load.users.failures import ConnectError, DownloadError
from load.users.raw_connection import CONNECTIONS
from profiles.store.run_facts import WireProtocol
from profiles.targets.catalog import Target, listener_clock
from units import GIB


def _report(wall_s: float, received_bytes: int, server_cpu_s: float | None) -> list[str]:
    gib = received_bytes / GIB
    lines = [f"Time taken: {wall_s} seconds"]
    if not gib:
        return [*lines, "no bytes: the file is empty"]
    lines.append(f"{gib / wall_s:.3f} GiB/s ({gib:g} GiB)")
    if server_cpu_s is None:
        return [*lines, "server CPU: unknown, because its process has ended or belongs to another user"]
    return [*lines, f"server CPU: {server_cpu_s / gib:.4f} s/GiB ({server_cpu_s:.3f} s)"]


def download_repeatedly(target: Target, port: int, iterations: int, sink: Sink, protocol: WireProtocol) -> list[str]:
    """Download the test file over a fresh connection each time; lines that say what it took. Raises UserError."""
    address = (target.external.host if target.external else "127.0.0.1", port)
    server_clock = listener_clock(port)
    before_s = server_clock() if server_clock else 0.0
    received_bytes = 0
    started_s = time.perf_counter()
    for _ in range(iterations):
        connection = CONNECTIONS[protocol](address, sink, lambda _: None, tls=target.facts.tls is not None)
        try:
            received_bytes += connection.download(target.facts.path)
        except ConnectError as error:
            raise UserError(
                f"nothing answers on {address[0]} port {port}: {error}; "
                f"{'start it' if target.external else 'start the servers with `make servers`'}"
            ) from error
        except DownloadError as error:
            raise UserError(f"{target.name} did not deliver {target.facts.path}: {error.reason}") from error
        finally:
            connection.close()
    wall_s = time.perf_counter() - started_s
    try:
        server_cpu_s = server_clock() - before_s if server_clock else None
    except ProcessLookupError:  # it ended
        server_cpu_s = None
    return _report(wall_s, received_bytes, server_cpu_s)
