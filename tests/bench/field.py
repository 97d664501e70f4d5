"""What the parts of the bench share: a folder, test files of any size, the C floor, the CPUs of load and servers."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from errors import UserError
from load.campaign.cpu_pinning import Placement, choose
from profiles.targets.catalog import PROJECT
from servers import payload
from tests.bench.processes import Server, bound, serving


class Field:
    """folder: of all that the bench makes; the files that are served lie one below it for each size. large_bytes: the
    size of the large file, where the data path is all that counts. repeats: how often a whole command is timed."""

    def __init__(self, folder: Path, large_bytes: int, connections: int, repeats: int) -> None:
        self.folder = folder
        self.large_bytes = large_bytes
        self.connections = connections
        self.repeats = repeats

    @cached_property
    def floor(self) -> Path:
        """The C floor, compiled. Raises UserError where there is no compiler, or it does not compile."""
        if shutil.which("cc") is None:
            raise UserError("there is no C compiler here, and so no floor: install one that answers to `cc`")
        program = self.folder / "floor"
        source = Path(__file__).with_name("floor.c")
        command = ["cc", "-O2", "-Wall", "-Wextra", "-o", str(program), str(source), "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{source.name} does not compile: {done.stderr.strip().splitlines()[-1]}")
        return program

    @cached_property
    def placement(self) -> Placement:
        return choose(os.sched_getaffinity(0), wanted=True)

    def make_file(self, size_bytes: int) -> Path:
        """The test file of this size, made when it is first asked for."""
        folder = self.folder / str(size_bytes)
        if not folder.exists():
            folder.mkdir()
            payload.make(folder, size_bytes, lambda _: None)
        return folder / payload.NAME

    def load_command(self, port: int, size_bytes: int, seconds: float) -> list[str]:
        """The C client's command line."""
        path = f"/{size_bytes}/{payload.NAME}"
        return [str(self.floor), "load", "127.0.0.1", str(port), path, str(self.connections), f"{seconds:g}"]

    def ours(self, mode: str, cpus: tuple[int, ...]) -> contextlib.AbstractContextManager[Server]:
        command = [sys.executable, "-m", "servers", mode, "--port", "0", "--root", str(self.folder), "--lifeline", "0"]
        return serving(command, cpus)

    def floor_server(self, path: str) -> contextlib.AbstractContextManager[Server]:
        """The C floor, with the large file."""
        file = self.make_file(self.large_bytes)
        command = [str(self.floor), "serve", path, "0", str(file), "--lifeline-stdin"]
        return serving(command, self.placement.server_cpus)

    def told(self, command: Sequence[str]) -> dict[str, float]:
        """What a client says of its load. Raises UserError when it fails."""
        with bound(self.placement.load_cpus):
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
        told: dict[str, float] = json.loads(done.stdout)
        return told
