"""Real HTTP clients download correctly from every mode; those that are not installed are skipped.

The bytes that arrive are compared, not the exit code alone.
"""

import hashlib
import http.client
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter

from servers import discovery
from tests.servers.conftest import FILE_BYTES
from tests.servers.probe import skip_if_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import tls_context

WHOLE = range(FILE_BYTES)
ANSWERS = [  # method, path, headers, status, which bytes of the file
    ("GET", "/file.bin", {}, 200, WHOLE),
    ("HEAD", "/file.bin", {}, 200, range(0)),
    ("GET", "/file.bin", {"Range": "bytes=5-1004"}, 206, range(5, 1005)),
    ("GET", "/file.bin", {"Range": "bytes=-5"}, 206, range(FILE_BYTES - 5, FILE_BYTES)),
    ("GET", "/file.bin", {"Range": "bytes=0-0,9-9"}, 200, WHOLE),
    ("GET", "/file.bin", {"If-None-Match": "*"}, 304, range(0)),
    ("GET", "/empty", {}, 200, range(0)),
    ("HEAD", "/absent", {}, 404, range(0)),
    ("GET", "/file.bin", {}, 200, WHOLE),
]
REFUSALS = [("GET", "/absent", {}, 404), ("GET", "/file.bin", {"Range": "bytes=1000003-"}, 416), ("PUT", "/x", {}, 405)]


@pytest.fixture(scope="module", params=discovery.names())
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, content: bytes) -> Iterator[str]:
    """A server process for each mode, with /file.bin and /empty; /outside.bin is none of them."""
    skip_if_missing(request.param)
    folder = tmp_path_factory.mktemp("clients")
    root = folder / "root"
    root.mkdir()
    (root / "file.bin").write_bytes(content)
    (root / "empty").write_bytes(b"")
    (folder / "outside.bin").write_bytes(b"nobody's business")
    process = ServerProcess(folder / "stderr", request.param, "--port", "0", "--root", root)
    scheme = "http" if discovery.import_mode(request.param)[0].tls is None else "https"
    yield f"{scheme}://127.0.0.1:{process.ready_port()}"
    assert process.end() == 0
    assert process.errors().count("\n") == 1
    process.kill_if_running()


def run(program: str, *arguments: str | Path) -> bytes:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run([found, *arguments], capture_output=True, check=True, timeout=30).stdout


def curl(*arguments: str | Path) -> bytes:
    return run("curl", "--silent", "--show-error", "--insecure", "--noproxy", "*", *arguments)


def same(left: bytes, right: bytes) -> bool:
    """By digest, since pytest would explain a difference of a million bytes for minutes."""
    return hashlib.sha256(left).digest() == hashlib.sha256(right).digest()


def test_curl(url: str, content: bytes) -> None:
    file = f"{url}/file.bin"
    for version in ("--http1.1", "--http1.0", "--http2"):  # the last offers an upgrade, which is not taken
        assert same(curl("--fail", version, file), content)
    assert curl("--fail", "-r", "5-1004", file) == content[5:1005]
    assert curl("--fail", "-r", "-5", file) == content[-5:]
    assert b"Content-Length: 1000003" in curl("--fail", "-I", file)


def test_curl_keeps_the_connection(url: str, content: bytes) -> None:
    files = [f"{url}/{path}" for path in ("file.bin", "empty", "absent", "file.bin")]
    said = curl("-w", "%{http_code} %{num_connects}\n", *files)
    absent = b"404 Not Found: there is no such file\n"
    assert same(said, content + b"200 1\n" + b"200 0\n" + absent + b"404 0\n" + content + b"200 0\n")


def test_curl_resumes(url: str, content: bytes, tmp_path: Path) -> None:
    part = tmp_path / "part"
    part.write_bytes(content[:300_000])
    said = curl("--fail", "-C", "-", "-o", part, "-w", "%{http_code} %{size_download}", f"{url}/file.bin")
    assert said == b"206 700003"
    assert same(part.read_bytes(), content)


def test_curl_does_not_leave_the_root(url: str) -> None:
    for path in ("/../outside.bin", "/empty/../../outside.bin", "/%2e%2e/outside.bin", "/..%2foutside.bin"):
        said = curl("--path-as-is", "-w", "%{http_code}", f"{url}{path}")
        assert said == b"404 Not Found: there is no such file\n404"


def test_curl_takes_the_server_for_a_proxy(url: str, content: bytes) -> None:
    if url.startswith("https"):
        pytest.skip("through a proxy that speaks TLS curl asks for an http URL, which is not to be had here")
    assert same(curl("--fail", "--noproxy", "", "--proxy", url, "http://files.example/file.bin"), content)


def test_curl_is_refused_an_upload(url: str, content: bytes, tmp_path: Path) -> None:
    """With Expect: 100-continue."""
    (tmp_path / "up").write_bytes(content * 2)
    said = curl("-T", tmp_path / "up", "-w", "%{http_code} %{size_upload}", f"{url}/new")
    assert said.endswith(b"files are served to GET and HEAD\n405 0")


@pytest.mark.parametrize("there", [0, 300_000, FILE_BYTES])
def test_wget_resumes(url: str, content: bytes, tmp_path: Path, there: int) -> None:
    """Nothing, a part, and the whole, of which 416 says that it is all there is."""
    (tmp_path / "file.bin").write_bytes(content[:there])
    run("wget", "-q", "--no-proxy", "--no-check-certificate", "-c", "-P", tmp_path, f"{url}/file.bin")
    assert same((tmp_path / "file.bin").read_bytes(), content)
    assert [path.name for path in tmp_path.iterdir()] == ["file.bin"]


def connected(url: str) -> http.client.HTTPConnection:
    scheme, address = url.split("://")
    if scheme == "https":
        return http.client.HTTPSConnection(address, timeout=20, context=tls_context())
    return http.client.HTTPConnection(address, timeout=20)


def test_the_standard_library(url: str, content: bytes) -> None:
    connection = connected(url)
    connection.connect()
    connection.auto_open = 0  # one connection for all of them
    for method, path, headers, status, which in ANSWERS:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        assert response.status == status
        assert same(response.read(), content[which.start : which.stop])
    connection.close()


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_requests(url: str, content: bytes) -> None:
    with requests.Session() as session:
        session.trust_env, session.verify = False, False
        for method, path, headers, status, which in ANSWERS:
            response = session.request(method, url + path, headers=headers, timeout=20)
            assert response.status_code == status
            assert same(response.content, content[which.start : which.stop])
        for method, path, headers, status in REFUSALS:
            response = session.request(method, url + path, headers=headers, timeout=20)
            assert response.status_code == status
            assert response.text.startswith(f"{status} ")
        adapter = session.get_adapter(url)
        assert isinstance(adapter, HTTPAdapter)
        pool = adapter.get_connection_with_tls_context(response.request, verify=False)
        assert pool.num_connections == 1 and pool.num_requests == len(ANSWERS) + len(REFUSALS)
