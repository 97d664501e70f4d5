"""Is the served file still the one whose facts were taken, byte for byte?

Its rule: every write and every replacement shows in the inode or in the time of its last change (inode(7)), whatever
time of modification was set afterwards. Only where that, or a sample of the bytes, differs is the whole file read.
"""

import os
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

SAMPLE_PIECES = 64
SAMPLE_PIECE_BYTES = 4096

Identity = tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class ServedFile:
    """What a file was at one moment. sha256: hex digest of its bytes; empty where they cannot be read."""

    identity: Identity
    sample: str
    sha256: str

    @classmethod
    def now(cls, path: Path) -> "ServedFile":
        """Its identity is taken first, so that a change while it is read shows later."""
        identity = identity_of(path)
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except OSError:
            digest = ""
        return cls(identity, sample_of(path), digest)

    def changes(self, path: Path) -> tuple[bool, bool]:
        """Whether its bytes are others now; and whether it was written or replaced, and its bytes are the same."""
        if (identity_of(path), sample_of(path)) == (self.identity, self.sample):
            return False, False
        same = ServedFile.now(path).sha256 == self.sha256 != ""
        return not same, same


def identity_of(path: Path) -> Identity:
    """Device, inode, size in bytes, times of modification and of the last change in ns; None where there is no file."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def sample_of(path: Path) -> str:
    """The digest of pieces that are spread over the file, its first and last bytes among them; "" where it cannot be
    read."""
    digest = sha256()
    try:
        with path.open("rb", buffering=0) as file:
            last = max(0, os.fstat(file.fileno()).st_size - SAMPLE_PIECE_BYTES)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # no read-ahead
            for number in range(SAMPLE_PIECES):
                digest.update(os.pread(file.fileno(), SAMPLE_PIECE_BYTES, last * number // (SAMPLE_PIECES - 1)))
    except OSError:
        return ""
    return digest.hexdigest()
