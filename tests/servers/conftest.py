"""Servers to test: in this process, with small limits or replaced modes, or as processes."""

import contextlib
import os
import random
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from profiles.contract.subject import connected_pair
from servers import discovery, files, sockets
from servers.mode import SendFile
from servers.server import Limits, Server
from tests.servers.probe import mode_of, skip_if_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import TlsPort

FILE_BYTES = 1_000_003  # a prime: no multiple of any buffer


@pytest.fixture(scope="session")
def content() -> bytes:
    return random.Random(1).randbytes(FILE_BYTES)


@pytest.fixture
def root(tmp_path: Path, content: bytes) -> Path:
    """A folder to serve: file.bin, empty, one; and outside.bin beside it."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "file.bin").write_bytes(content)
    (folder / "empty").write_bytes(b"")
    (folder / "one").write_bytes(b"1")
    (tmp_path / "outside.bin").write_bytes(b"nobody's business")
    return folder


@pytest.fixture
def large(root: Path, request: pytest.FixtureRequest) -> Path:
    """/large: as many zeros as the test's module says (LARGE_BYTES)."""
    path = root / "large"
    path.touch()
    os.truncate(path, request.module.LARGE_BYTES)
    return path


@pytest.fixture(params=discovery.names())
def mode_name(request: pytest.FixtureRequest) -> str:
    """Every mode."""
    return str(request.param)


@pytest.fixture
def send_file(mode_name: str) -> SendFile:
    """The mode's send_file; skips a mode that this kernel refuses, with the reason."""
    skip_if_missing(mode_name)
    return discovery.import_mode(mode_name)[1]


@pytest.fixture(autouse=True)
def no_thread_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No thread of a server ends with an exception, whatever a peer does."""
    failed: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failed.append)
    monkeypatch.setattr(sys, "unraisablehook", failed.append)  # of the threads that the server starts
    yield
    assert not failed


@dataclass(frozen=True, slots=True)
class Running:
    server: Server
    port: int
    thread: threading.Thread


Serve = Callable[..., contextlib.AbstractContextManager[Running]]


@pytest.fixture
def serve(root: Path) -> Serve:
    """serve(send_file, …): a server for `root` in a thread of this process, stopped at the end."""

    @contextlib.contextmanager
    def serving(
        send_file: SendFile,
        limits: Limits | None = None,
        before: Callable[[], None] | None = None,
        folder: Path = root,
        require: Callable[[socket.socket], None] | None = None,
    ) -> Iterator[Running]:
        listener = sockets.listen("127.0.0.1", 0)
        facts = mode_of(send_file)
        port = (TlsPort if facts.tls else int)(listener.getsockname()[1])
        limits = limits or Limits(grace_s=0.0)
        wrap = discovery.wrapper(facts)
        server = Server(listener, files.resolve_root(folder), send_file, limits, wrap=wrap, require=require)

        def run() -> None:
            if before is not None:
                before()
            server.serve()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield Running(server, port, thread)
        finally:
            server.stop()
            thread.join()
            server.close()

    return serving


@pytest.fixture
def port(serve: Serve, send_file: SendFile) -> Iterator[int]:
    """The port of a server for each mode, in this process."""
    with serve(send_file) as running:
        yield running.port


@pytest.fixture
def any_port(serve: Serve) -> Iterator[int]:
    """The port of a server for one mode, for what all modes share."""
    with serve(discovery.import_mode("sendfile")[1]) as running:
        yield running.port


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """servers("sendfile", "--port", "0", …): `python -m servers` as a process, killed at the end if it still runs."""
    started: list[ServerProcess] = []

    def start(*arguments: str | os.PathLike[str], **options: object) -> ServerProcess:
        process = ServerProcess(tmp_path / f"stderr-{len(started)}", *arguments, **options)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill_if_running()


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection, the first as the mode wants it: some data paths refuse a Unix socket."""
    name = request.getfixturevalue("mode_name") if "mode_name" in request.fixturenames else "sendfile"
    left, right = connected_pair(discovery.import_mode(name)[0])
    with left, right:
        yield left, right
