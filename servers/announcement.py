"""What a person is told who started several servers: their addresses, what this machine lacks, what to do next."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from servers import discovery, payload
from servers.cli import Arguments
from servers.mode import Mode, WireProtocol
from units import size_word

CLIENT = "python3 benchmark_client.py"
COURSE_BYTES = 1 << 30
_ANSWER_S = 5.0
_MOST_BYTES = 1000


@dataclass(frozen=True, slots=True)
class _Server:
    mode: Mode
    host: str
    port: int
    path: str
    options: str  # those that were asked for
    protocol: WireProtocol

    @property
    def address(self) -> str:
        """A URL; of a raw server host:port."""
        where = f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"
        scheme = "http" if self.mode.tls is None else "https"
        return where if self.protocol == "raw" else f"{scheme}://{where}{self.path}"

    @property
    def missing_reason(self) -> str:
        """What this machine lacks; empty where it can send."""
        return (_raw_missing_reason if self.protocol == "raw" else _missing_reason)(self)

    @property
    def next_commands(self) -> Iterator[str]:
        port = "" if self.port == self.mode.port else f" --port {self.port}"
        if self.protocol == "raw":
            yield f"{CLIENT} {self.mode.name}{port} --protocol raw"
            yield f"nc {self.host} {self.port} > /dev/null"
        else:
            yield f"{CLIENT} {self.mode.name}{port}"
            yield f"curl {'' if self.mode.tls is None else '-k '}-o /dev/null {self.address}"


def lines(arguments: Arguments, ports: Mapping[str, int]) -> Iterator[str]:
    """ports: of the servers that are ready, by mode."""
    assert arguments.root is not None
    path = f"/{payload.NAME}" if (arguments.root / payload.NAME).is_file() else "/"
    servers = [_server(arguments, name, port, path) for name, port in ports.items()]
    width = max(map(len, ports))
    yield f"serving {arguments.root}; Ctrl-C ends all servers"
    yield ""
    for server in servers:
        yield f"  {server.mode.name:<{width}}  {server.missing_reason or f'{server.address}{server.options}'}"
    yield ""
    yield "next, in another terminal:"
    yield from (f"  {command}" for command in servers[0].next_commands)
    if arguments.protocol == "raw" and (arguments.root / payload.NAME).stat().st_size != COURSE_BYTES:
        yield "the course's own client waits for 1 GiB, and with another file for ever: SIZE=1GiB"


def _server(arguments: Arguments, name: str, port: int, path: str) -> _Server:
    mode = discovery.import_mode(name)[0]
    given = arguments.options[name]
    asked = [option for option in mode.options if given[option.name] != option.default_bytes]
    options = "".join(f"  {option.name}={size_word(given[option.name])}" for option in asked)
    return _Server(mode, arguments.host, port, path, options, arguments.protocol)


def _raw_missing_reason(server: _Server) -> str:
    """A raw server can only send nothing, and says why in its log."""
    with contextlib.suppress(OSError), socket.create_connection((server.host, server.port), _ANSWER_S) as sock:
        return "" if sock.recv(1) else "sends nothing: the reason stands above"
    return "sends nothing: the reason stands above"


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
