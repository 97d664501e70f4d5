"""The docker-compose that tests run: the one that requirements-test.txt pins, and so of a known version."""

import shutil
import sys
from pathlib import Path

WHY_NOT = "no docker-compose beside this Python: PyPI has it for x86_64 and aarch64"


def docker_compose() -> str | None:
    """Its path; None where there is none."""
    return shutil.which("docker-compose", path=str(Path(sys.executable).parent))
