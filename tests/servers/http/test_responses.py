"""Ranges against a brute-force reading of RFC 9110, and the heads of responses."""

import itertools
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import pytest

from servers.http.responses import HttpError, error_response, file_head, resolve_range


def resolved(value: bytes | None, size_bytes: int) -> tuple[int, int] | HTTPStatus | None:
    try:
        return resolve_range(value, size_bytes)
    except HttpError as error:
        assert f"Content-Range: bytes */{size_bytes}" in error.headers
        return error.status


def chosen(positions: list[int]) -> tuple[int, int] | HTTPStatus:
    return (positions[0], len(positions)) if positions else HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def test_every_range_of_a_small_file_is_what_the_positions_say() -> None:
    for size_bytes, first, last in itertools.product(range(5), range(7), range(7)):
        positions = range(size_bytes)
        both = [i for i in positions if first <= i <= last]
        assert resolved(f"bytes={first}-{last}".encode(), size_bytes) == chosen(both)
        assert resolved(f"bytes={first}-".encode(), size_bytes) == chosen([i for i in positions if i >= first])
        if size_bytes or not last:  # the end of an empty file is satisfiable, and nothing that 206 could express
            assert resolved(f"bytes=-{last}".encode(), size_bytes) == chosen(list(positions)[-last:] if last else [])
        else:
            assert resolved(f"bytes=-{last}".encode(), size_bytes) is None


@pytest.mark.parametrize(
    "value", [None, b"bytes=0-1,3-4", b"bytes=0-1, bytes=3-4", b"items=0-1", b"", b"0-1", b"bytes"]
)
def test_several_ranges_and_other_units_mean_the_whole_file(value: bytes | None) -> None:
    assert resolved(value, 10) is None


@pytest.mark.parametrize(
    "value",
    [b"bytes=", b"bytes=-", b"bytes=a-b", b"bytes=1-x", b"bytes=--1", b"bytes=1 - 2", b"bytes=3-2", b"bytes=0x1-"],
)
def test_what_is_no_range_is_416(value: bytes) -> None:
    assert resolved(value, 10) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def test_the_unit_has_no_case_and_spaces_do_not_matter() -> None:
    assert resolved(b"BYTES= 1-2 ", 10) == (1, 2)


def test_numbers_may_be_longer_than_any_file() -> None:
    digits = b"9" * 100
    assert resolved(b"bytes=1-" + digits, 10) == (1, 9)
    assert resolved(b"bytes=-" + digits, 10) == (0, 10)
    assert resolved(b"bytes=" + digits + b"-", 10) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    assert resolved(b"bytes=1-" + b"9" * 10_000, 10) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


def lines(head: bytes) -> list[str]:
    return head.decode("ascii").split("\r\n")


def test_a_whole_file_is_200_and_a_part_206() -> None:
    whole = lines(file_head(10, None, keep_alive=True))
    assert whole[0] == "HTTP/1.1 200 OK"
    assert {"Content-Length: 10", "Accept-Ranges: bytes", "Content-Type: application/octet-stream"} <= set(whole)
    assert "Connection: keep-alive" in whole
    assert whole[-2:] == ["", ""]
    part = lines(file_head(10, (2, 3), keep_alive=False))
    assert part[0] == "HTTP/1.1 206 Partial Content"
    assert {"Content-Length: 3", "Content-Range: bytes 2-4/10", "Connection: close"} <= set(part)


def test_an_error_says_why_and_its_length_is_true() -> None:
    error = HttpError(HTTPStatus.NOT_FOUND, "there is no such file", headers=("X: y",))
    head, body = error_response(error, keep_alive=True, head_only=False).split(b"\r\n\r\n")
    assert body == b"404 Not Found: there is no such file\n"
    assert {f"Content-Length: {len(body)}", "X: y"} <= set(lines(head))
    assert error_response(error, keep_alive=True, head_only=True) == head + b"\r\n\r\n"


def test_the_date_is_one() -> None:
    date = next(line for line in lines(file_head(1, None, True)) if line.startswith("Date: "))
    assert date.endswith(" GMT")
    assert parsedate_to_datetime(date.removeprefix("Date: ")).tzinfo is not None
