"""Parses and formats sizes, and formats durations. Binary units only: 1 GiB = 2**30 bytes."""

import re

from errors import UsageError

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30

_FACTORS = {"": 1, "B": 1, "KIB": KIB, "K": KIB, "MIB": MIB, "M": MIB, "GIB": GIB, "G": GIB}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_size(text: str) -> int:
    """The bytes of "256MiB", "64K", "1.5GiB" or "17". Raises UsageError for anything else or a fraction of a byte."""
    match = _SIZE.fullmatch(text.strip())
    factor = _FACTORS.get(match[2].upper()) if match else None
    if match is None or factor is None:
        raise UsageError(f"{text!r} is not a size: give a number of bytes, or one with KiB, MiB or GiB, like 256MiB")
    size_bytes = float(match[1]) * factor if "." in match[1] else int(match[1]) * factor
    if size_bytes != int(size_bytes):
        raise UsageError(f"{text!r} is {size_bytes} bytes: give a whole number of bytes")
    return int(size_bytes)


def format_size(size_bytes: float) -> str:
    """The size in its largest fitting unit: without decimals if whole ("256 MiB"), else with one ("1.5 GiB")."""
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if size_bytes >= factor:
            value = size_bytes / factor
            return f"{value:.0f} {unit}" if value == int(value) else f"{value:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def exact_size(size_bytes: int) -> str:
    """The size in the largest unit in which it is whole: "1500 MiB", where format_size() says "1.5 GiB"."""
    for unit, factor in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
        if size_bytes and size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} B"


def size_word(size_bytes: int) -> str:
    """exact_size() in one word, as it is typed: "1500MiB"."""
    return exact_size(size_bytes).replace(" ", "")


def duration(seconds: float) -> str:
    """38 s, 2 min 5 s."""
    whole = max(0, round(seconds))
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60} s"
