"""`locust -f locustfile.py` as a process of its own, for tests: its UI, our page, and what it leaves behind."""

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT, eventually
from tests.scripts.campaigns import folders

LOCUST = [sys.executable, "-m", "locust", "-f"]


def helpers_of(served: Path) -> list[psutil.Process]:
    """The agent and the servers for this folder, whoever started them."""
    return [process for process in psutil.process_iter(["cmdline"]) if str(served) in (process.info["cmdline"] or ())]


class Locust:
    """served: holds the test file; runs go to profiles/ and reports/ below it. few: the only modes to serve."""

    def __init__(self, served: Path, *more: str, few: Sequence[str] = ()) -> None:
        self.served = served
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [
                *LOCUST,
                "tests/load/few_modes.py" if few else "locustfile.py",
                *folders(served),
                "--web-port",
                str(self.port),
                *more,
            ],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "FEW_MODES": " ".join(few)},
        )

    def said(self) -> str:
        """What it said until it ended by itself; it does not outlive a test that waited in vain."""
        try:
            said, _ = self.process.communicate(timeout=100)
        finally:
            self.process.kill()
        return said

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            content: bytes = response.read()
            return content

    def answers(self) -> bool:
        try:
            return bool(self.get("/"))
        except OSError:
            return False

    def swarm(self, **fields: Any) -> Any:
        data = urllib.parse.urlencode(fields, doseq=True).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/swarm", data, timeout=10) as response:
            return json.loads(response.read())

    def rows(self) -> dict[str, dict[str, str]]:
        stats = json.loads(self.get("/stats/requests"))
        (table,) = [table for table in stats["extended_stats"] if table["key"] == "servers"]
        return {row["name"]: row for row in table["data"]}

    def helpers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def ask(self, path: str, command: Any = None, **headers: str) -> tuple[int, Any]:
        """Ask our page's routes for a change, as its script does; status and answer."""
        data = json.dumps({} if command is None else command).encode()
        url = f"http://127.0.0.1:{self.port}/bench{path}"
        request = urllib.request.Request(url, data, {"X-Bench": "1", **headers})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def poll(self) -> Any:
        return json.loads(self.get("/bench/poll"))

    def state(self) -> Any:
        return self.poll()["state"]

    def runs(self) -> list[RunFolder]:
        return [RunFolder(path.parent) for path in sorted((self.served / "profiles").glob("*/run.json"))]

    def url(self, path: str = "/bench/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def serving(served: Path, *more: str, few: Sequence[str] = (), any_port: bool = True) -> Iterator[Locust]:
    """With the web UI, on free ports; killed at the end."""
    locust = Locust(served, *(["--any-port"] if any_port else []), *more, few=few)
    try:
        eventually(locust.answers)
        yield locust
    finally:
        locust.process.kill()
        locust.process.communicate()
