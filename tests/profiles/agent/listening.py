"""An agent that listens, as whoever starts one beside the servers does; for tests of both of its ends."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import PROJECT

CERTIFICATE = PROJECT / "servers" / "mechanisms" / "certificate.pem"
EXPIRED = Path(__file__).with_name("expired.pem")
TOKEN = "an agent's token of the tests".replace(" ", "-")


def token_file(folder: Path, token: str = TOKEN) -> Path:
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(f"{token}\n")
    return path


def start(root: Path, *more: str, port: int = 0) -> tuple[subprocess.Popen[str], int]:
    """The agent's process and its port."""
    command = [sys.executable, "-m", "profiles.agent", "--root", str(root), "--listen", f"127.0.0.1:{port}"]
    command += ["--token-file", str(token_file(root)), *more]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, int(process.stdout.readline().split()[2])


@contextlib.contextmanager
def listening(root: Path, *more: str) -> Iterator[int]:
    """The port of an agent on loopback."""
    process, port = start(root, *more)
    try:
        yield port
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.communicate(timeout=20)
