"""What is known of a run before anything is measured: its file, targets and metrics, and the servers' own code.

Its rule: numbers have ranges, which are checked when a record is read (msgspec.Meta).
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from msgspec import Meta

from servers.mode import Copy
from servers.mode import WireProtocol as WireProtocol

MOST = 1 << 60  # no count and no number of a run is larger: whatever is computed from them stays finite
LEAST = 1e-30  # nor is one nearer to zero, unless it is zero
Integer = Annotated[int, Meta(ge=-MOST, le=MOST)]
Number = Annotated[float, Meta(ge=-float(MOST), le=float(MOST))]
Count = Annotated[int, Meta(ge=0, le=MOST)]
Amount = Annotated[float, Meta(ge=0, le=float(MOST))]

SERVED_FILE = "test-file.bin"
SERVED_PATH = f"/{SERVED_FILE}"

Fact = str | Integer | Number | None  # of a host or its software, by name; None is "unknown"
ExternalKind = Literal["command", "pid", "container"]
MetricKind = Literal["counter", "gauge", "derived"]
CodeStep = Literal["receive", "name", "answer", "send"]


@dataclass(frozen=True, slots=True)
class MetricFacts:
    """How to read a number that is stored under `name`."""

    name: str  # the key under which cells and samples store it
    unit: str  # "s", "bytes", "switches", …
    kind: MetricKind  # in a cell: what the window added (counter), the value at its end (gauge), or computed (derived)
    summary: str  # half a sentence for a table
    per_gib: bool = False  # whether dividing it by the GiB received makes sense


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What was measured: one of our modes, or an external server (docs/targets.md)."""

    name: str  # the mode's name, or the table's name in targets.toml
    port: Annotated[int, Meta(ge=0, le=65535)]  # TCP port that it listens on unless any port will do
    summary: str  # half a sentence for a table
    copies: tuple[Copy, ...] = ()  # each step of a byte's way in the mode's model; none for an external server
    options: dict[str, Count] = field(default_factory=dict)  # what changed its path, in bytes
    tls: Literal["user", "kernel"] | None = None  # who encrypts; None for plain HTTP. The client decrypts in any sink
    external: ExternalKind | None = None  # how an external server was found or started; None for our modes
    path: str = SERVED_PATH  # the URL path that is downloaded
    size_bytes: Count | None = None  # size of what it sends; None where that is the run's file
    sha256: str | None = None  # hex digest of what it sends; None where that is the run's file
    cold: bool = False  # from the disk, in a run that reads from both; its file was dropped from the page cache
    settings: dict[str, str] = field(default_factory=dict)  # how an external server is started; variables by name only
    protocol: WireProtocol = "http"  # raw: whoever connects is sent the file, and the connection closes
    process: str = ""  # the first of the targets that one process serves; empty: it has a process of its own

    @property
    def cpu_copies(self) -> int:
        """CPU copies per byte in the model."""
        return sum(is_cpu_copy(step) for step in self.copies)

    @property
    def cpu_copies_of_reading(self) -> int:
        """Those before the bytes are sent."""
        return sum(is_cpu_copy(step) and not is_sending(step) for step in self.copies)


def is_cpu_copy(step: Copy) -> bool:
    """Whether the CPU moves every byte. Encrypting on the way is one copy; encrypting in place is work, but no copy."""
    return step.by != "dma" and step.source != step.destination


def is_sending(step: Copy) -> bool:
    """Whether a step brings the bytes into the socket or to the network card; all steps before it are reading."""
    return step.destination in ("socket buffer", "NIC")


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The file that was served."""

    path: str  # its name below the served folder
    size_bytes: Count  # bytes
    sha256: str  # hex digest of its content
    filesystem: str  # type, and the first mount option: "ext4 (rw)"
    resident_share_before: Amount | None = None  # of its pages in the page cache before the first cell; None: unknown
    resident_share_after: Amount | None = None  # the same after the last cell
    changed: bool | None = None  # whether its bytes changed during the run; None: unknown
    rewritten: bool | None = None  # whether it was written or replaced meanwhile, with the same bytes at the end


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of the servers' own code as it was when the run began (profiles/agent/source_excerpts.py)."""

    step: CodeStep  # receive a request, find the file's name in it, answer, or send; only "send" differs by mode
    mode: str | None  # whose code it is; None for code that all modes share
    path: str  # of the source file, from the project's top
    line: Count  # number of the first line in that file, from 1
    text: str  # the lines themselves
