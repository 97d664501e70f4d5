"""Runs that the bench makes by the command that users type: `make load`, with what its records say of it.

Its rule: nothing but the command's own knobs is set. The test file is there before, and is as large as the command's
default asks for.
"""

import itertools
import subprocess
import sys
import time
from dataclasses import dataclass

from errors import UserError
from profiles.store.records import Slice
from profiles.store.run_folder import RunFolder
from profiles.targets.catalog import PROJECT
from reports.analysis.rounds import Dataset, build
from servers import payload
from tests.bench.field import Field
from units import parse_size

_NUMBERS = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ProductRun:
    """took_s: of the whole command."""

    records: Dataset
    slices: tuple[Slice, ...]
    took_s: float


def read(folder: RunFolder, took_s: float) -> ProductRun:
    return ProductRun(build(folder.read_run(), folder.read_cells()), folder.read(Slice), took_s)


def load(field: Field, *options: str, size_bytes: int | None = None) -> ProductRun:
    """`make load` with these options, once. Raises UserError when it fails."""
    root, out = field.make_file(size_bytes or parse_size(payload.SIZE)).parent, field.folder / "runs"
    name = f"run-{next(_NUMBERS)}"
    command = [sys.executable, "-m", "scripts.load", *options, "--run", name, "--any-port"]
    command += ["--root", str(root), "--runs-folder", str(out), "--reports-folder", str(out / "reports")]
    began_s = time.monotonic()
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it wrote no error message"]
        raise UserError(f"make load {' '.join(options)} failed: {last[0]}")
    return read(RunFolder(out / name), time.monotonic() - began_s)
