"""The least that Python can serve with sends every byte, again and again."""

import hashlib
import http.client
import socket
import subprocess
import sys
from pathlib import Path

from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES, eventually


def test_it_sends_the_file_whatever_is_asked_for(tmp_path: Path) -> None:
    payload.make(tmp_path, SMALL_BYTES, lambda _: None)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.bench.bare_server", "--port", str(port), "--root", str(tmp_path)]
    process = subprocess.Popen(command, cwd=PROJECT)
    try:
        eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for _ in range(2):
            connection.request("GET", "/anything")
            content = connection.getresponse().read()
            assert hashlib.sha256(content).digest() == hashlib.sha256((tmp_path / payload.NAME).read_bytes()).digest()
        connection.close()
    finally:
        process.kill()
        process.wait()
