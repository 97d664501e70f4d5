"""Files that a page carries inside itself, and the record that `make reproduce` reads back.

A page has to stay light: flame graphs are packed and share a budget (without JavaScript the link saves FILE.gz; the
page's script in reports/assets/build/ unpacks it first), and data that would be too large are only named.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from profiles.store.records import Run
from reports.export.table import as_csv, rounds
from reports.mode_names import plain
from reports.run_data import RunData
from reports.templating import packed
from units import MIB, format_size

RECORD_ID = "run-record"
MOST_BYTES = 2 * MIB


@dataclass(frozen=True, slots=True)
class Download:
    """name: of the saved file. what: its contents or size, for the reader. href: a data: URI (RFC 2397), None where
    it would be too large."""

    name: str
    what: str
    href: str | None


class Budget:
    """How many bytes of a page are left for profiler output."""

    def __init__(self, size_bytes: int) -> None:
        self.left_bytes = size_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether there was room; it is used up then."""
        fits = size_bytes <= self.left_bytes
        self.left_bytes -= size_bytes if fits else 0
        return fits

    def download(self, name: str, what: str, content: bytes) -> Download | None:
        """None where there is no room for it."""
        href = "data:application/gzip;base64," + packed(content)
        return Download(name, what, href) if self.take(len(href)) else None


def record(run: Run) -> dict[str, Any]:
    """The run as it stands in run.json."""
    found: dict[str, Any] = msgspec.to_builtins(run)
    return found


def downloads(run: RunData) -> Iterator[Download]:
    """For each answered question: the rounds as CSV, and the records as JSON without slices, samples, perf, and code,
    of which there is the digest."""
    digests = code_digests(run)
    for answer in run.answers:
        dataset = answer.dataset
        records = {
            "run": answer.run,
            "rounds": dataset.cells,
            "profiles": dataset.profiles,
            "proofs": dataset.proofs,
            "probes": dataset.probes,
            "code": digests,
        }
        yield _download(f"{answer.on_page('rounds')}.csv", "text/csv", as_csv(rounds(answer)).encode())
        yield _download(f"{answer.on_page('records')}.json", "application/json", msgspec.json.encode(records))


def code_digests(run: RunData) -> dict[str, str]:
    """SHA-256 in hex of the servers' code that each of our modes ran: its own file, and what all share. Two runs with
    the same digest measured the same code, whatever else differs between their revisions."""
    shared = [piece.text for piece in run.code if piece.mode is None]
    own = {piece.mode: piece.text for piece in run.code if piece.mode is not None}
    names = [target.name for target in run.run.targets if target.external is None]
    texts = {name: "\0".join([*shared, own[plain(name)]]) for name in names if plain(name) in own}
    return {name: hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest() for name, text in texts.items()}


def _download(name: str, kind: str, content: bytes) -> Download:
    fits = len(content) <= MOST_BYTES
    href = f"data:{kind};charset=utf-8;base64,{base64.b64encode(content).decode()}" if fits else None
    return Download(name, format_size(len(content)), href)
