"""Find a report, and open it in the reader's browser."""

import os
import shutil
import subprocess
from pathlib import Path

from errors import UsageError, suggestion
from profiles.store.run_folder import RUN_FILE, RunFolder
from reports.page import PAGE_FILE


def find(reports: Path, profiles: Path, name: str | None) -> Path:
    """The page of the named report, or of the run that began last. Raises UsageError where there is none."""
    pages = sorted(reports.glob(f"*/{PAGE_FILE}"), key=lambda page: (_began_s(page, profiles), page))
    if name is None and pages:
        return pages[-1]
    found = next((path for path in pages if path.parent.name == name), None)
    if found is not None:
        return found
    if name is None:
        raise UsageError(f"there is no report in {reports}: measure a run with `make load`")
    if (profiles / name / RUN_FILE).exists():
        raise UsageError(f"run {name!r} has no report in {reports}: build it with `make report RUN={name}`")
    known = [path.parent.name for path in pages]
    listed = f"there are {', '.join(known[-8:])}" if known else "it is empty; `make load` measures a run"
    raise UsageError(f"there is no report {name!r} in {reports}{suggestion(name, known)} ({listed})")


def _began_s(page: Path, profiles: Path) -> float:
    """When its run began; where the run has gone, when the page was written."""
    try:
        return RunFolder(profiles / page.parent.name).started_s
    except OSError:
        return page.stat().st_mtime


def show(page: Path) -> str | None:
    """Open it on the desktop. Returns why that failed, None when it did not."""
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no desktop here"
    opener = shutil.which("xdg-open")
    if opener is None:
        return "xdg-open is not installed (xdg-utils has it)"
    done = subprocess.run([opener, page.resolve().as_uri()], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"xdg-open failed: {' '.join(done.stderr.split()) or f'exit code {done.returncode}'}"
    return None
