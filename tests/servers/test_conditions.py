"""What RFC 9110 requires of GET with ranges and conditions, and of HEAD, as a table of bytes (rows: table.py)."""

import pytest

from tests.servers.conftest import FILE_BYTES
from tests.servers.raw import Connection
from tests.servers.table import KEPT, OK, Row, check, check_end, get, only


def ranged(value: str, *more: bytes, path: bytes = b"/file.bin") -> bytes:
    return get(b"Range: " + value.encode(), *more, target=path)


def part(first: int, last: int) -> dict[str, str]:
    return {"content-range": f"bytes {first}-{last}/{FILE_BYTES}", "content-length": str(last - first + 1)}


LAST = FILE_BYTES - 1
WHOLE = {"content-length": str(FILE_BYTES)}
EMPTY, ABSENT = b"/empty", b"/absent"
NOTHING = {"content-range": "bytes */0"}
FIRST, DATE = "bytes=0-0", b"Sun, 22 Nov 2099 12:00:00 GMT"
UNSATISFIED = {"content-range": f"bytes */{FILE_BYTES}"}

RANGES = [
    Row("9110 14.3", "ranges are offered", get(target=b"/file.bin"), OK, KEPT, WHOLE | {"accept-ranges": "bytes"}),
    Row("9110 14.1.2", "first-last", ranged("bytes=5-9"), (206,), KEPT, part(5, 9)),
    Row("9110 14.1.2", "open", ranged(f"bytes={LAST}-"), (206,), KEPT, part(LAST, LAST)),
    Row("9110 14.1.2", "last beyond the end", ranged(f"bytes=9-{LAST + 1}"), (206,), KEPT, part(9, LAST)),
    Row("9110 14.1.2", "suffix", ranged("bytes=-3"), (206,), KEPT, part(LAST - 2, LAST)),
    Row("9110 14.1.2", "suffix longer than the file", ranged("bytes=-99999999"), (206,), KEPT, part(0, LAST)),
    Row("9110 15.5.17", "suffix of nothing", ranged("bytes=-0"), (416,), KEPT, UNSATISFIED),
    Row("9110 15.5.17", "beyond the end", ranged(f"bytes={FILE_BYTES}-"), (416,), KEPT, UNSATISFIED),
    Row("9110 15.5.17", "of an empty file", ranged(FIRST, path=EMPTY), (416,), KEPT, NOTHING),
    Row("9110 14.1.2", "suffix of an empty file", ranged("bytes=-3", path=EMPTY), OK, KEPT, {"content-length": "0"}),
    Row("9110 14.2", "garbage", ranged("bytes=a-b"), (416,), KEPT, UNSATISFIED),
    Row("9110 14.2", "last before first", ranged("bytes=9-5"), (416,), KEPT, UNSATISFIED),
    Row("9110 14.2", "several ranges may be ignored", ranged("bytes=0-0,5-9"), OK, KEPT, WHOLE),
    Row("9110 14.2", "another unit is ignored", ranged("lines=0-0"), OK, KEPT, WHOLE),
    Row("9110 14.1", "a unit has no case", ranged("Bytes=0-0"), (206,), KEPT, part(0, 0)),
    Row("9110 14.2", "of something absent", ranged(FIRST, path=ABSENT), (404,), KEPT),
    Row("9110 13.1.5", "If-Range without Range", get(b'If-Range: "x"'), OK, KEPT),
    Row("9110 13.1.5", "If-Range of a tag", ranged(FIRST, b'If-Range: "x"'), OK, KEPT, WHOLE),
    Row("9110 13.1.5", "If-Range of a date", ranged(FIRST, b"If-Range: " + DATE), OK, KEPT, WHOLE),
    Row("9110 13.1.1", "If-Match of a tag", get(b'If-Match: "x"'), (412,), KEPT),
    Row("9110 13.1.1", "If-Match of anything", get(b"If-Match: *"), OK, KEPT),
    Row("9110 13.1.2", "If-None-Match of a tag", get(b'If-None-Match: "x"'), OK, KEPT),
    Row("9110 13.1.2", "If-None-Match of anything", get(b"If-None-Match: *"), (304,), KEPT, {"content-length": "1"}),
    Row("9110 13.2.2", "If-Match goes first", get(b"If-None-Match: *", b'If-Match: "x"'), (412,), KEPT),
    Row("9110 13.2.2", "If-Match goes first, in any order", get(b'If-Match: "x"', b"If-None-Match: *"), (412,), KEPT),
    Row("9110 13.2.1", "no condition on what is absent", get(b"If-Match: x", target=b"/absent"), (404,), KEPT),
    Row("9110 13.1.3", "no date, no condition", get(b"If-Modified-Since: " + DATE), OK, KEPT),
]


@pytest.mark.parametrize("row", RANGES, ids=str)
def test_the_rfc_is_kept(any_port: int, row: Row) -> None:
    check(any_port, row)


HEADS = [
    get(target=b"/file.bin"),
    get(target=b"/empty"),
    get(target=b"/absent"),
    get(b"If-Match: x"),
    get(b"Content-Length: 1"),
    get(target=b"https://a/one"),
    only(),
    only(b"Host: a b"),
    get(b"X : y"),
    get(b"X: " + b"a" * 40_000),
]


@pytest.mark.parametrize("asked", HEADS, ids=range(len(HEADS)))
def test_head_is_answered_as_get_is_but_for_the_body(any_port: int, asked: bytes) -> None:
    """RFC 9110 section 9.3.2; an error has no body either."""
    with Connection(any_port) as connection:
        connection.sock.sendall(asked)
        sent = connection.response()
    with Connection(any_port) as connection:
        connection.sock.sendall(b"HEAD" + asked.removeprefix(b"GET"))
        told = connection.response(with_body=False)
        assert told.status == sent.status
        assert told.promised_bytes == len(sent.body)
        check_end(connection, sent.headers["connection"] == "keep-alive")
