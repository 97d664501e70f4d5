"""The data that a report carries inside: its run's record, for `make reproduce`, and its rounds to be downloaded.

Its rule: everything needed to compute again leaves with the page, as long as the page stays light; what would be too
many bytes is named with its size, and `make export` has it.
"""

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from profiles.store.records import Run
from reports.export.table import as_csv, table
from reports.run_data import RunData
from units import MIB, format_size

RECORD_ID = "run-record"
MOST_BYTES = 2 * MIB


@dataclass(frozen=True, slots=True)
class Download:
    """uri: a data: URI (RFC 2397) with the whole content; None where that would be too large."""

    name: str
    size: str
    uri: str | None


def record(run: Run) -> dict[str, Any]:
    """The run as it stands in run.json."""
    found: dict[str, Any] = msgspec.to_builtins(run)
    return found


def downloads(run: RunData) -> tuple[Download, ...]:
    """Of every question that was answered, the rounds as a table, and the records without samples, perf and code."""
    return tuple(found for answer in run.answers for found in _of_one(answer))


def _of_one(run: RunData) -> tuple[Download, ...]:
    measured = run.measured
    records = {"run": run.run, "rounds": measured.cells, "profiles": measured.profiles, "proofs": measured.proofs}
    rounds = as_csv(table(run)).encode()
    return (
        _download(f"{run.on_page('rounds')}.csv", "text/csv", rounds),
        _download(
            f"{run.on_page('records')}.json",
            "application/json",
            msgspec.json.encode(records | {"probes": measured.probes}),
        ),
    )


def _download(name: str, kind: str, content: bytes) -> Download:
    if len(content) > MOST_BYTES:
        return Download(name, format_size(len(content)), None)
    encoded = base64.b64encode(content).decode()
    return Download(name, format_size(len(content)), f"data:{kind};charset=utf-8;base64,{encoded}")
