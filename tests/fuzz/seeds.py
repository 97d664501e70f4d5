"""What the fuzzer starts from: every row of the conformance tables, hostile heads, and all that was found before."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from tests.servers import hostile, test_conditions, test_conformance

FOUND = Path(__file__).with_name("found")
HOSTILE_HEADS = 200
LONGEST_BYTES = 2000  # longer ones are slow, and the limits on a head are in the tables of the tests

# What is between the mutations: libFuzzer puts these words in whole.
WORDS = (
    *("GET ", "HEAD ", "POST ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "\r\n\r\n", "\r\n", "\r\n ", "http://", "https://"),
    *("Host: a\r\n", "Range: bytes=", "If-Range: ", "If-Match: *", "If-None-Match: *", "Content-Length: ", "0\r\n"),
    *("Transfer-Encoding: ", "chunked", "Connection: ", "close", "keep-alive", "Upgrade", "Expect: 100-continue\r\n"),
    *("%2e", "%00", "[::1]", "../", "?", "#", "@", ":80", "\x00", "\x7f", "\xff"),
)


def all_of_them() -> Iterator[bytes]:
    rows = chain(test_conformance.ROWS, test_conditions.RANGES)
    yield from (row.sent for row in rows if len(row.sent) <= LONGEST_BYTES)
    yield from (head for head in islice(hostile.heads(1), HOSTILE_HEADS) if len(head) <= LONGEST_BYTES)
    yield from (path.read_bytes() for path in found())


def found() -> list[Path]:
    """The inputs for which the rule did not hold once."""
    return sorted(path for path in FOUND.iterdir() if path.name != "README.md")


def write(folder: Path) -> int:
    """Write the seeds, and the words as libFuzzer's dictionary, into a folder; how many seeds there are."""
    seeds = folder / "seeds"
    seeds.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, data in enumerate(all_of_them(), start=1):
        (seeds / f"{count:04}").write_bytes(data)
    words = ("".join(f"\\x{byte:02x}" for byte in word.encode("latin-1")) for word in WORDS)
    (folder / "words").write_text("".join(f'"{word}"\n' for word in words))
    return count
