"""The C floor serves and downloads every byte, and says so when it cannot: a floor that is wrong proves nothing."""

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from servers import discovery, files, sockets
from servers.server import Limits, Server
from tests.conftest import eventually
from tests.servers.raw import Connection, get

FILE_BYTES = 3_000_017
WINDOWS_BYTES = (32 << 20) + 1  # more than two windows of mmap-send
CONTENT = bytes(range(251)) * (WINDOWS_BYTES // 251 + 1)
MODES = ("sendfile", "splice", "read-send", "mmap-send")


@pytest.fixture(scope="session")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("cc is not installed")
    program = tmp_path_factory.mktemp("floor") / "floor"
    source = Path(__file__).with_name("floor.c")
    flags = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread"]
    subprocess.run([compiler, *flags, "-o", program, source], check=True)
    return program


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "test-file.bin"
    path.write_bytes(CONTENT[:FILE_BYTES])
    return path


Start = Callable[..., tuple[subprocess.Popen[str], int]]


@pytest.fixture
def serve(floor: Path, file: Path) -> Iterator[Start]:
    """serve(mode, …): the process and its port."""
    started: list[subprocess.Popen[str]] = []

    def start(mode_name: str, *arguments: str, **options: Any) -> tuple[subprocess.Popen[str], int]:
        command: list[str | Path] = [floor, "serve", mode_name, "0", file, *arguments]
        process: subprocess.Popen[str] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
        started.append(process)
        assert process.stdout is not None
        word, name, port, congestion_control = process.stdout.readline().split()
        assert (word, name) == ("ready", f"floor-{mode_name}")
        assert congestion_control in ("cubic", "reno")
        return process, int(port)

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def load(floor: Path, port: int, path: str = "/test-file.bin") -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [floor, "load", "127.0.0.1", str(port), path, "3", "0.2"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("mode_name", MODES)
@pytest.mark.parametrize("size_bytes", [0, 1, 262_144, FILE_BYTES, WINDOWS_BYTES])
def test_it_serves_every_byte_again_and_again(serve: Start, file: Path, mode_name: str, size_bytes: int) -> None:
    file.write_bytes(CONTENT[:size_bytes])
    _, port = serve(mode_name)
    with Connection(port) as connection:
        for _ in range(3):
            response = connection.get("/anything")
            assert (response.status, response.body) == (200, CONTENT[:size_bytes])


@pytest.mark.parametrize("mode_name", MODES)
def test_its_client_counts_what_its_server_sends(serve: Start, floor: Path, mode_name: str) -> None:
    _, port = serve(mode_name)
    done = load(floor, port)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["downloads"] > 0
    assert told["downloads"] * FILE_BYTES <= told["received_bytes"] <= (told["downloads"] + 3) * FILE_BYTES
    assert told["wall_s"] >= 0.2
    assert told["user_s"] + told["system_s"] > 0
    assert told["voluntary_switches"] >= 0 and told["involuntary_switches"] >= 0


def test_its_client_loads_our_servers_too(floor: Path, file: Path) -> None:
    listener = sockets.listen("127.0.0.1", 0)
    send_file = discovery.import_mode("sendfile")[1]
    server = Server(listener, files.resolve_root(file.parent), send_file, Limits(grace_s=0.0))
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        done = load(floor, listener.getsockname()[1])
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["received_bytes"] > 0
        missing = load(floor, listener.getsockname()[1], "/absent")
        assert missing.returncode == 1
        assert missing.stderr == "floor: status 404 instead of 200: HTTP/1.1 404 Not Found\n"
    finally:
        server.stop()
        thread.join()
        server.close()


def answering(answer: bytes, listener: socket.socket) -> None:
    """Give this answer to one connection, and the end of the stream to all."""
    with listener:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.recv(1 << 16)
                sock.sendall(answer)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "short body, 4 bytes are missing"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "the response has no Content-Length"),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx", "status 206 instead of 200"),
        (b"noise\r\n\r\n", "status 0 instead of 200: noise"),
        (b"", "no response head"),
    ],
)
def test_its_client_fails_on_a_wrong_answer(floor: Path, answer: bytes, said: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    thread = threading.Thread(target=partial(answering, answer, listener))
    thread.start()
    done = load(floor, port)
    listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""


def test_it_ends_on_sigterm_and_with_its_lifeline(serve: Start) -> None:
    process, _ = serve("sendfile")
    process.terminate()
    assert process.wait(20) == -signal.SIGTERM
    reader, writer = os.pipe()
    process, port = serve("sendfile", "--lifeline-stdin", stdin=reader)
    os.close(reader)
    assert get(port).status == 200
    os.close(writer)
    eventually(lambda: process.poll() == 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "usage: floor serve"),
        (["serve", "sendfile", "0"], 2, "usage: "),
        (["serve", "telepathy", "0", "/etc/passwd"], 1, "there is no mode telepathy"),
        (["serve", "sendfile", "http", "/etc/passwd"], 1, "PORT http: give a number from 0 to 65535"),
        (["serve", "sendfile", "0", "/no/such/file"], 1, "cannot serve /no/such/file: No such file or directory"),
        (["load", "127.0.0.1", "1", "/", "0", "1"], 1, "CONNECTIONS 0: give a number from 1"),
        (["load", "127.0.0.1", "1", "/", "1", "x"], 1, "SECONDS x: give a number above 0"),
        (["load", "127.0.0.1", "1", "/", "1", "1"], 1, "cannot connect: Connection refused"),
    ],
)
def test_a_wrong_command_is_a_clear_line(floor: Path, arguments: list[str], code: int, said: str) -> None:
    done = subprocess.run([floor, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == code
    assert said in done.stderr
