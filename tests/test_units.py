"""Sizes as people write them, and back."""

import pytest

from errors import UsageError
from units import GIB, KIB, MIB, exact_size, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("17", 17),
        ("17B", 17),
        ("1KiB", KIB),
        ("64k", 64 * KIB),
        ("256MiB", 256 * MIB),
        (" 256 mib ", 256 * MIB),
        ("1.5GiB", 3 * GIB // 2),
        ("0.5K", 512),
        ("1000000007", 1_000_000_007),
        ("9007199254740993", (1 << 53) + 1),  # no detour through floating point
    ],
)
def test_a_size_is_read(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "1TB", "1kb", "1 2", "1e6", "nan", "1,5M", "MiB", "0x10", "1.", "1_000"]
)
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


def test_a_fraction_of_a_byte_is_refused() -> None:
    with pytest.raises(UsageError, match="whole number of bytes"):
        parse_size("0.3K")


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (1023, "1023 B"), (KIB, "1 KiB"), (1536, "1.5 KiB"), (256 * MIB, "256 MiB"), (3 * GIB, "3 GiB")],
)
def test_a_size_is_written(size_bytes: int, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize("size_bytes", [0, 1, 1023, KIB, 256 * KIB, 5 * MIB, 7 * GIB])
def test_what_is_written_exactly_can_be_read_again(size_bytes: int) -> None:
    assert parse_size(format_size(size_bytes)) == size_bytes


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0 B"), (1025, "1025 B"), (1500 * MIB, "1500 MiB"), (2 * GIB, "2 GiB")]
)
def test_a_size_is_written_without_rounding(size_bytes: int, text: str) -> None:
    assert exact_size(size_bytes) == text
    assert parse_size(text) == size_bytes
