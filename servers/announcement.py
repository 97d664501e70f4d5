"""What a person is told who started several servers: their addresses, what this machine lacks, what to do next."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from servers import discovery, payload
from servers.cli import Arguments
from servers.mode import Mode
from units import size_word

CLIENT = "python3 benchmark_client.py"
_ANSWER_S = 5.0
_MOST_BYTES = 1000


@dataclass(frozen=True, slots=True)
class _Server:
    mode: Mode
    host: str
    port: int
    path: str
    options: str  # those that were asked for

    @property
    def url(self) -> str:
        scheme = "http" if self.mode.tls is None else "https"
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}{self.path}"


def lines(arguments: Arguments, ports: Mapping[str, int]) -> Iterator[str]:
    """ports: of the servers that are ready, by mode."""
    assert arguments.root is not None
    path = f"/{payload.NAME}" if (arguments.root / payload.NAME).is_file() else "/"
    servers = [_server(arguments, name, port, path) for name, port in ports.items()]
    width = max(map(len, ports))
    yield f"serving {arguments.root}; Ctrl-C ends all servers"
    yield ""
    for server in servers:
        missing = _missing_reason(server)
        yield f"  {server.mode.name:<{width}}  {missing or f'{server.url}{server.options}'}"
    first = servers[0]
    yield ""
    yield "next, in another terminal:"
    yield f"  {CLIENT} {first.mode.name}{'' if first.port == first.mode.port else f' --port {first.port}'}"
    yield f"  curl {'' if first.mode.tls is None else '-k '}-o /dev/null {first.url}"


def _server(arguments: Arguments, name: str, port: int, path: str) -> _Server:
    mode = discovery.import_mode(name)[0]
    given = arguments.options[name]
    asked = [option for option in mode.options if given[option.name] != option.default_bytes]
    options = "".join(f"  {option.name}={size_word(given[option.name])}" for option in asked)
    return _Server(mode, arguments.host, port, path, options)


def _missing_reason(server: _Server) -> str:
    """What the server says that this machine lacks; empty where it can send, or does not answer."""
    context = ssl._create_unverified_context()
    connection = (
        http.client.HTTPConnection(server.host, server.port, timeout=_ANSWER_S)
        if server.mode.tls is None
        else http.client.HTTPSConnection(server.host, server.port, timeout=_ANSWER_S, context=context)
    )
    try:
        connection.request("GET", server.path, headers={"Range": "bytes=0-0"})
        response = connection.getresponse()
        said = response.read(_MOST_BYTES).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()
    lacking = response.status == HTTPStatus.NOT_IMPLEMENTED
    return f"missing on this machine: {said.strip().rpartition(': ')[2]}" if lacking else ""
