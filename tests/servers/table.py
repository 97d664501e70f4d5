"""A row of the tables in test_conformance.py and test_conditions.py, and its check.

KEPT: the next request is answered properly, so nothing before was taken for a part of it. CLOSED: the server closes
and sends no byte after the last answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime, parsedate_to_datetime

from tests.servers.raw import Connection, Response

KEPT, CLOSED = True, False
OK = (200,)
BAD = (400,)
OLD = b"HTTP/1.0"


def get(*fields: bytes, target: bytes = b"/one", method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """A request with a good Host field first."""
    return only(b"Host: a", *fields, target=target, method=method, version=version)


def only(*fields: bytes, target: bytes = b"/one", method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    """A request with exactly these fields."""
    return b"\r\n".join([b" ".join([method, target, version]), *fields, b"", b""])


@dataclass(frozen=True, slots=True)
class Row:
    """headers: what the first answer must say. body: of the first answer, where it matters."""

    section: str
    what: str
    sent: bytes
    statuses: tuple[int, ...]
    kept: bool
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    def __str__(self) -> str:
        return f"{self.section} {self.what}"


def check(port: int, row: Row) -> None:
    """Send the row's bytes to a server of `one` and `file.bin`, and see that it answers as the row says."""
    bodiless = row.sent.startswith(b"HEAD") or row.statuses == (304,)
    with Connection(port) as connection:
        connection.sock.sendall(row.sent)
        responses = [connection.response(with_body=not bodiless) for _ in row.statuses]
        assert tuple(response.status for response in responses) == row.statuses
        for response in responses:
            _holds_of_every_answer(response, bodiless)
        assert row.headers.items() <= responses[0].headers.items()
        assert row.body is None or responses[0].body == row.body
        assert responses[-1].headers["connection"] == ("keep-alive" if row.kept else "close")
        check_end(connection, row.kept)


def check_end(connection: Connection, kept: bool) -> None:
    if kept:
        assert connection.get("/one").body == b"1"
    else:
        assert connection.ended()


def _holds_of_every_answer(response: Response, bodiless: bool) -> None:
    """Framed (RFC 9112 section 6.3), dated (RFC 9110 section 6.6.1), and no trace of the server's insides."""
    assert len(response.body) == (0 if bodiless else response.promised_bytes)
    date = response.headers["date"]
    assert format_datetime(parsedate_to_datetime(date), usegmt=True) == date
    assert "transfer-encoding" not in response.headers
    assert b"Traceback" not in response.body
