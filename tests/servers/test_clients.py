"""Real HTTP clients download correctly from every mode. Those that are not installed are skipped, visibly."""

import hashlib
import http.client
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import mode
from tests.servers.probe import skip_if_missing
from tests.servers.process import ServerProcess


@pytest.fixture(scope="module", params=mode.names())
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, content: bytes) -> Iterator[str]:
    """A server process for each mode, with /file.bin."""
    skip_if_missing(request.param)
    folder = tmp_path_factory.mktemp("clients")
    (folder / "file.bin").write_bytes(content)
    process = ServerProcess(folder / "stderr", request.param, "--port", "0", "--root", folder)
    yield f"http://127.0.0.1:{process.ready_port()}"
    assert process.end() == 0
    assert process.errors().count("\n") == 1
    process.kill_if_running()


@pytest.fixture(scope="session")
def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def run(program: str, *arguments: str | Path) -> bytes:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run([found, *arguments], capture_output=True, check=True, timeout=30).stdout


def test_curl(url: str, digest: str, content: bytes) -> None:
    file = f"{url}/file.bin"
    for version in ("--http1.1", "--http1.0"):
        assert hashlib.sha256(run("curl", "-sS", "--fail", version, file)).hexdigest() == digest
    assert run("curl", "-sS", "--fail", "-r", "5-1004", file) == content[5:1005]
    assert run("curl", "-sS", "--fail", "-r", "-5", file) == content[-5:]
    assert b"Content-Length: 1000003" in run("curl", "-sS", "--fail", "-I", file)


def test_curl_keeps_the_connection(url: str, content: bytes) -> None:
    both = run("curl", "-sS", "--fail", "-w", "%{num_connects}\n", f"{url}/file.bin", f"{url}/file.bin")
    assert both == content + b"1\n" + content + b"0\n"


def test_curl_resumes(url: str, digest: str, content: bytes, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(content[:300_000])
    run("curl", "-sS", "--fail", "-C", "-", "-o", part, f"{url}/file.bin")
    assert hashlib.sha256(part.read_bytes()).hexdigest() == digest


def test_wget(url: str, digest: str, tmp_path: Path) -> None:
    run("wget", "-q", "-O", tmp_path / "got", f"{url}/file.bin")
    assert hashlib.sha256((tmp_path / "got").read_bytes()).hexdigest() == digest


def test_wget_resumes(url: str, digest: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(content[:300_000])
    run("wget", "-q", "-c", "-P", tmp_path, f"{url}/file.bin")
    assert hashlib.sha256((tmp_path / "file.bin").read_bytes()).hexdigest() == digest


def test_wrk(url: str) -> None:
    said = run("wrk", "-t2", "-c4", "-d1s", f"{url}/file.bin").decode()
    assert "Non-2xx" not in said
    assert "Socket errors" not in said
    assert int(re.findall(r"(\d+) requests in", said)[0]) > 0


def test_ab_with_and_without_keep_alive(url: str) -> None:
    for options in ([], ["-k"]):
        said = run("ab", "-q", "-n", "40", "-c", "4", *options, f"{url}/file.bin").decode()
        assert re.search(r"Complete requests: +40\n", said)
        assert re.search(r"Failed requests: +0\n", said)
        assert re.search(r"HTML transferred: +40000120 bytes", said)
        assert re.search(r"Keep-Alive requests: +40\n", said) or not options


def test_the_standard_library(url: str, digest: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    for _ in range(2):
        connection.request("GET", "/file.bin")
        assert hashlib.sha256(connection.getresponse().read()).hexdigest() == digest
    connection.close()
