"""The opponent serves the same bytes, with our congestion control, and does not outlive the bench."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from errors import UserError
from servers import payload
from tests.bench import nginx
from tests.conftest import PROJECT, eventually
from tests.download import digest_of

START = """
import sys
from pathlib import Path
from tests.bench import nginx
with nginx.serving(Path(sys.argv[1]), "sendfile on", ()) as server:
    print(*server.pids, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def installed() -> None:
    if nginx.find() is None:
        pytest.skip("nginx is not installed (Debian: nginx-light)")


@pytest.mark.parametrize("path", nginx.PATHS)
def test_it_serves_the_bytes_and_every_process_is_counted(served: Path, path: str) -> None:
    with nginx.serving(served, path, ()) as server:
        assert digest_of(server.port) == hashlib.sha256((served / payload.NAME).read_bytes()).hexdigest()
        names = [psutil.Process(pid).name() for pid in server.pids]
        assert names == ["nginx", "nginx"]  # the master and its worker
        assert server.congestion in ("cubic", "reno")
        assert server.cpu_s() > 0
    assert not any(psutil.pid_exists(pid) for pid in server.pids)


def test_it_ends_when_the_bench_is_killed(served: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", START, served], cwd=PROJECT, stdin=pipe, stdout=pipe) as bench:
        assert bench.stdout is not None
        pids = [int(pid) for pid in bench.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(bench.pid, signal.SIGKILL)
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in pids))


def test_what_it_refuses_is_said(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nginx.PATHS, "telepathy", "telepathy on;")
    with pytest.raises(UserError, match=r"unknown directive .telepathy."), nginx.serving(served, "telepathy", ()):
        pass
