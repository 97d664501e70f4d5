"""The file that is served, in another size: made by the command that makes it for everybody.

Its rule: it is looked at before it is made, whether there is room for it; and what is served afterwards is a whole file
with its digest, or the one before.
"""

import subprocess
import sys
from pathlib import Path

from errors import UserError
from load.sweep.files import too_large
from profiles.store.run_facts import SERVED_FILE
from profiles.targets.catalog import PROJECT
from units import exact_size


def make(root: Path, size_bytes: int) -> None:
    """Raises UserError where there is no room for it, or it was not made."""
    if refused := too_large((size_bytes,), root):
        raise UserError(f"a file of {exact_size(size_bytes)} is too large here: {refused[size_bytes]}")
    command = [sys.executable, "-m", "servers.payload", "--size", str(size_bytes), "--root", str(root.resolve())]
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().removeprefix("error: ")
        raise UserError(said or f"the file {root / SERVED_FILE} of {exact_size(size_bytes)} was not made")
