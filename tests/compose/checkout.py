"""A checkout of the project that belongs to somebody, and docker compose in it, as that user runs it.

Its rule: the user is neither root nor the one that the containers run as by default, so that what is written shows whom
it belongs to.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.compose.engine import Engine
from tests.conftest import PROJECT
from tests.copied import copy_project

OWNER = 4321
FILES = ("Dockerfile", ".dockerignore", "docker-compose.yml", "requirements.txt")
OUTPUT = ("profiles/out", "reports/out")
# What a user may write beside docker-compose.yml: limits, so that the report has something to say about them.
LIMITS = "services: { agent: { mem_limit: 1g, cpus: 1.5 } }\n"
TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Checkout:
    """program: docker-compose. run() and start() give its arguments from `up`, `run`, … on."""

    path: Path
    engine: Engine
    program: str

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._command(*arguments), cwd=self.path, env=self._env(variables), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=TIMEOUT_S,
        )  # fmt: skip

    def done(self, *arguments: str, **variables: str) -> str:
        """Its standard output; it must succeed."""
        done = self.run(*arguments, **variables)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(*arguments), cwd=self.path, env=self._env({}), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def _command(self, *arguments: str) -> list[str]:
        return [self.program, "--progress", "quiet", *arguments]

    def _env(self, variables: dict[str, str]) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BENCH_", "COMPOSE_"))}
        return kept | self.engine.env | {"BENCH_USER": f"{OWNER}:{OWNER}", "SIZE": "4MiB"} | variables


def make(path: Path) -> None:
    """What git would check out of what docker-compose.yml uses, owned by OWNER."""
    copy_project(path)
    for name in FILES:
        shutil.copy(PROJECT / name, path)
    for folder in OUTPUT:
        (path / folder).mkdir()
        shutil.copy(PROJECT / folder / ".gitignore", path / folder)
    (path / "docker-compose.override.yml").write_text(LIMITS)
    for place in (path, *path.rglob("*")):
        os.chown(place, OWNER, OWNER)
