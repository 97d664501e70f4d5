"""The least that Python can serve with sends every byte, again and again, and ends with the bench."""

import hashlib
import http.client
import sys
from pathlib import Path

import psutil

from servers import payload
from tests.bench.processes import serving
from tests.conftest import SMALL_BYTES


def test_it_sends_the_file_of_the_size_that_the_path_names(tmp_path: Path) -> None:
    folder = tmp_path / str(SMALL_BYTES)
    folder.mkdir()
    payload.make(folder, SMALL_BYTES, lambda _: None)
    command = [sys.executable, "-m", "tests.bench.bare_server", "sendfile", "--port", "0", "--root", str(tmp_path)]
    with serving([*command, "--lifeline", "0"], ()) as server:
        assert server.congestion in ("cubic", "reno")
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for _ in range(2):
            connection.request("GET", f"/{SMALL_BYTES}/{payload.NAME}")
            content = connection.getresponse().read()
            assert hashlib.sha256(content).digest() == hashlib.sha256((folder / payload.NAME).read_bytes()).digest()
        connection.close()
    assert not psutil.pid_exists(server.pids[0])
