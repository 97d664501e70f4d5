"""Open a report in the reader's browser, or say where it lies.

Its rule: a report is found by its page alone; where there is no desktop to open it on, its address is all there is.
"""

import os
import shutil
import subprocess
from pathlib import Path

from errors import UsageError
from reports.page import PAGE_FILE


def find(reports: Path, name: str | None) -> Path:
    """The page of the report of this name, or of the one that was made last. Raises UsageError where there is none."""
    pages = sorted(reports.glob(f"*/{PAGE_FILE}"), key=lambda path: (path.stat().st_mtime_ns, path))
    if name is None and pages:
        return pages[-1]
    found = next((path for path in pages if path.parent.name == name), None)
    if found is not None:
        return found
    if name is None:
        raise UsageError(f"there is no report in {reports}: `make load` makes one")
    known = ", ".join(path.parent.name for path in pages[-8:]) or "none"
    raise UsageError(f"there is no report {name!r} in {reports}, there is {known}: `make report RUN={name}` makes it")


def show(page: Path) -> str | None:
    """Have the desktop open it. Returns why it could not, None when it could."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no desktop here"
    opener = shutil.which("xdg-open")
    if opener is None:
        return "xdg-open is not installed (xdg-utils has it)"
    done = subprocess.run([opener, page.resolve().as_uri()], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"xdg-open failed: {' '.join(done.stderr.split()) or f'exit code {done.returncode}'}"
    return None
