"""`locust -f locustfile.py` as a Locust user knows it: headless, with the web UI, interrupted."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import PROJECT, eventually

LOCUST = [sys.executable, "-m", "locust", "-f", "locustfile.py"]


def helpers_of(served: Path) -> list[psutil.Process]:
    """The agent and the servers for this folder, whoever started them."""
    return [process for process in psutil.process_iter(["cmdline"]) if str(served) in (process.info["cmdline"] or ())]


class Locust:
    def __init__(self, served: Path, *more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [*LOCUST, "--root", str(served), "--web-port", str(self.port), *more],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

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


@pytest.fixture
def ui(served: Path) -> Iterator[Locust]:
    locust = Locust(served, "--any-port")
    eventually(locust.answers)
    yield locust
    locust.process.kill()
    locust.process.communicate()


def test_headless_it_downloads_from_the_modes_that_are_named_and_exits_with_0(served: Path) -> None:
    options = ("--any-port", "--headless", "-u", "3", "-r", "3", "-t", "2s", "--sink", "copy", "--only-summary")
    locust = Locust(served, *options, "ReadSendUser", "SendfileUser", "ReadWholeUser")
    said, _ = locust.process.communicate(timeout=50)
    assert locust.process.returncode == 0, said
    for mode in ("read-send", "sendfile", "read-whole"):
        assert f"GET      {mode} " in said
    eventually(lambda: not helpers_of(served))


def test_without_its_file_it_says_so_in_one_line(tmp_path: Path) -> None:
    locust = Locust(tmp_path, "--headless")
    said, _ = locust.process.communicate(timeout=50)
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert locust.process.returncode == 1
    assert len(errors) == 1 and "make test-file" in errors[0]
    assert "Traceback" not in said


def test_a_busy_port_is_one_line(served: Path) -> None:
    """The modes' own ports are used unless --any-port is given; one of them is taken, by us or by somebody else."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", 8082)))
        locust = Locust(served, "--headless")
        said, _ = locust.process.communicate(timeout=50)
    assert locust.process.returncode == 1
    assert re.search(r"error: \S+ did not start.* port \d+", said) and "Traceback" not in said
    eventually(lambda: not helpers_of(served))


def test_free_ports_are_refused_where_workers_could_not_know_them(served: Path) -> None:
    locust = Locust(served, "--headless", "--any-port", "--master")
    said, _ = locust.process.communicate(timeout=50)
    assert locust.process.returncode == 2
    assert "error: --any-port is for one process" in said and "Traceback" not in said


def test_the_tab_shows_what_servers_pay_for_the_modes_that_were_chosen(ui: Locust) -> None:
    page = ui.get("/").decode()
    assert "extended_tabs" in page or "Servers" in page
    answer = ui.swarm(user_count=2, spawn_rate=2, sink="discard", user_classes=["SendfileUser"])
    assert answer["success"] and answer["user_classes"] == ["SendfileUser"]

    def received(row: dict[str, str]) -> float:
        return float(row["received"].replace(",", "").replace("–", "0"))

    eventually(lambda: received(ui.rows().get("sendfile", {"received": "0"})) > 0)
    rows = ui.rows()
    assert set(rows) >= {"read-send", "sendfile", "read-whole", "load generator"}
    assert float(rows["sendfile"]["user"]) + float(rows["sendfile"]["system"]) > 0
    assert received(rows["read-send"]) == 0
    assert float(rows["sendfile"]["cost"]) > 0 and rows["read-send"]["cost"] == "–"


def test_a_server_that_dies_is_shown_as_dead(ui: Locust) -> None:
    victim = next(child for child in ui.helpers() if "sendfile" in child.cmdline())
    victim.kill()
    eventually(lambda: ui.rows().get("sendfile", {}).get("state") == "dead")


def test_a_sink_that_is_none_does_not_start_a_test(ui: Locust) -> None:
    ui.swarm(user_count=1, spawn_rate=1, sink="drain", user_classes=["SendfileUser"])
    assert json.loads(ui.get("/stats/requests"))["user_count"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_no_process_is_left(ui: Locust, served: Path, number: int) -> None:
    helpers = ui.helpers()
    assert len(helpers) >= 4 and len(helpers_of(served)) >= len(helpers)
    ui.swarm(user_count=2, spawn_rate=2, sink="copy", user_classes=["ReadSendUser"])
    ui.process.send_signal(number)
    ui.process.communicate(timeout=30)
    eventually(lambda: not any(helper.is_running() and helper.status() != "zombie" for helper in helpers))
    eventually(lambda: not helpers_of(served))
