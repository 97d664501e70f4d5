"""Files that people take away: pages, tables, results for a CI.

Its rule: a file is written beside and renamed, so that nobody ever opens half of one.
"""

import contextlib
from pathlib import Path

from errors import UserError, remedy


def write_file(path: Path, content: bytes) -> Path:
    """Write it, with the folders above it; returns the path. Raises UserError where that is impossible."""
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror}; {remedy(error)}") from error
    return path
