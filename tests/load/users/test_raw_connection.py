"""A download from a raw server is whole, or it is a failure with a name; and it leaves the server's port usable."""

import subprocess
import sys
from pathlib import Path

import pytest

from load.users import failures
from load.users.connection import PIECE_BYTES, SINKS, Sink
from load.users.raw_connection import CONNECTIONS, RawConnection
from ports import listeners
from tests.conftest import PROJECT, eventually
from tests.course.ports import two_ports
from tests.load.fake_server import answering

SERVER = PROJECT / "tests" / "course" / "server.py"


@pytest.mark.parametrize("sink", SINKS)
@pytest.mark.parametrize("size_bytes", [1, 4099, PIECE_BYTES, PIECE_BYTES + 1, 3_000_017])
@pytest.mark.parametrize("known", [True, False])
def test_every_byte_is_counted_once_whether_the_length_is_known_or_not(
    sink: Sink, size_bytes: int, known: bool
) -> None:
    pieces: list[int] = []
    with answering(b"x" * size_bytes, "close", reads=False) as address:
        connection = RawConnection(address, sink, pieces.append, size_bytes if known else None)
        assert connection.download("/whatever") == size_bytes
        connection.close()
    assert sum(pieces) == size_bytes


@pytest.mark.parametrize(
    ("sent", "then", "expected_bytes", "failure", "said"),
    [
        (b"", "close", 4, failures.ShortBodyError, "the connection ended before the body did"),
        (b"", "close", None, failures.ShortBodyError, "the connection ended before the body did"),
        (b"abc", "close", 4, failures.ShortBodyError, "the connection ended before the body did"),
        (b"abcde", "close", 4, failures.WrongLengthError, "more came than the 4 bytes of the file"),
        (b"abc", "stall", 4, failures.TimedOutError, "nothing arrived for 0.3 s"),
        (b"abcd", "stall", 4, failures.TimedOutError, "nothing arrived for 0.3 s"),
        (b"abcd", "stall", None, failures.TimedOutError, "nothing arrived for 0.3 s"),
    ],
)
@pytest.mark.parametrize("sink", SINKS)
def test_what_is_not_the_file_is_a_failure_with_a_name(
    sent: bytes, then: str, expected_bytes: int | None, failure: type[Exception], said: str, sink: Sink
) -> None:
    with answering(sent, then, reads=False) as address:
        connection = RawConnection(address, sink, lambda _: None, expected_bytes)
        connection.timeout_s = 0.3
        with pytest.raises(failure) as caught:
            connection.download("/")
        assert said in getattr(caught.value, "reason", "")
        connection.close()


def test_each_protocol_has_a_connection() -> None:
    assert set(CONNECTIONS) == {"http", "raw"}


def test_a_server_without_so_reuseaddr_can_have_its_port_again_at_once(tmp_path: Path) -> None:
    """As in the rounds of a campaign, each of which starts a fresh server on the same port."""
    (tmp_path / "file").write_bytes(b"x" * 1_000_000)
    ports = two_ports()
    for _ in range(2):
        command = [sys.executable, str(SERVER), *map(str, ports), "file"]
        with subprocess.Popen(command, cwd=tmp_path) as server:
            try:
                eventually(lambda: all(map(listeners, ports)))  # to connect would have it send
                for port in ports:
                    for sink in SINKS:
                        connection = RawConnection(("127.0.0.1", port), sink, lambda _: None, 1_000_000)
                        assert connection.download("/") == 1_000_000
            finally:
                server.kill()
