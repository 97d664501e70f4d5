"""Every server of examples/targets.toml serves our file, and does with its bytes what its name says."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from profiles.checks.doctor import external_targets
from profiles.checks.prove_mode import prove
from profiles.protocol import Start
from profiles.store.sending import BY_REFERENCE, Way, disagreement, sentence, way
from profiles.targets import config_file
from profiles.targets.catalog import Target
from profiles.targets.external_server import serving
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.download import digest_of

EXAMPLES = PROJECT / "examples"


def targets(file: Path) -> dict[str, Target]:
    found = config_file.read(file, frozenset({"sendfile", "read-send"}))
    return {facts.name: Target(facts, external=external) for facts, external in found}


EVERY = targets(EXAMPLES / "targets.toml")


class Does(NamedTuple):
    """What a server does with the bytes: the way, and by which calls. source: where its own code says so, or strace."""

    way: Way
    sends_by: str
    reads_by: str | None
    source: str


DOES = {
    "nginx-sendfile": Does(
        "sendfile", "sendfile", None, "ngx_linux_sendfile() of src/os/unix/ngx_linux_sendfile_chain.c"
    ),
    "nginx-read": Does("read", "writev", "pread64", "ngx_read_file() of src/os/unix/ngx_files.c, ngx_writev()"),
    "nginx-threads": Does("sendfile", "sendfile", None, "ngx_linux_sendfile_thread() of ngx_linux_sendfile_chain.c"),
    "lighttpd-sendfile": Does(
        "sendfile", "sendfile", None, "network_write_file_chunk_sendfile() of src/network_write.c"
    ),
    "lighttpd-write": Does("read", "write", "pread64", "strace of 1.4.69: 16 KiB at a time"),
    "apache-sendfile": Does("sendfile", "sendfile", None, "sendfile_nonblocking() of server/core_filters.c"),
    "apache-mmap": Does("mapped", "writev", None, "file_make_mmap() of APR's buckets/apr_buckets_file.c"),
    "apache-read": Does("read", "writev", "read", "file_bucket_read() of APR's buckets/apr_buckets_file.c"),
    "webfs": Does("sendfile", "sendfile", None, "strace of 1.21"),
    "mini-httpd": Does("sendfile", "sendfile", None, "send_via_sendfile() of mini_httpd.c"),
    "busybox": Does("sendfile", "sendfile", None, "FEATURE_HTTPD_USE_SENDFILE in networking/httpd.c"),
    "go": Does("sendfile", "sendfile", None, "TCPConn.readFrom() of src/net/tcpsock_posix.go: sendFile()"),
    "caddy": Does("sendfile", "sendfile", None, "as Go's net/http, which it is built on"),
    "http-server": Does("read", "sendto", "read", "SimpleHTTPRequestHandler.copyfile(): shutil.copyfileobj()"),
    "aiohttp-sendfile": Does("sendfile", "sendfile", None, "FileResponse._sendfile() of aiohttp/web_fileresponse.py"),
    "aiohttp-read": Does("read", "sendto", "read", "FileResponse._sendfile_fallback() of aiohttp/web_fileresponse.py"),
    # loop.sendfile() raises NotImplementedError, as asyncio's AbstractEventLoop does, and aiohttp falls back.
    "aiohttp-uvloop": Does("read", "write", "read", "FileResponse._sendfile_fallback() of aiohttp/web_fileresponse.py"),
    "starlette": Does("read", "sendto", "read", "FileResponse._handle_simple() of starlette/responses.py"),
    "gunicorn-sendfile": Does("sendfile", "sendfile", None, "Response.sendfile() of gunicorn/http/wsgi.py"),
    "gunicorn-read": Does("read", "sendto", "read", "Response.write_file() of gunicorn/http/wsgi.py"),
    "granian": Does("read", "writev", "read", "serve_static_file() of src/files.rs: ReaderStream"),
    "granian-pathsend": Does("read", "writev", "read", "ReaderStream, too"),
    "node": Does("read", "write", "read", "ReadStream of lib/internal/fs/streams.js"),
    "node-send": Does(
        "read", "write", "pread64", "SendStream.stream() of send's index.js: fs.createReadStream() with a start"
    ),
    # OutputStream is no channel of a socket: FileChannelImpl.transferToArbitraryChannel, 8 KiB at a time.
    "java-transfer": Does("read", "write", "pread64", "sun.nio.ch.FileChannelImpl.transferToArbitraryChannel()"),
    "java-buffer": Does("read", "write", "read", "examples/JavaFiles.java"),
}


UNCOUNTED = ("busybox",)  # signal(SIGCHLD, SIG_IGN) and a fork() per connection, in its networking/httpd.c


def installed(name: str) -> Target:
    """The target; skips the test where its program is not installed."""
    target = EVERY[name]
    assert target.external
    program = target.external.placeholders(Path(), "", 0, Path()).expand(target.external.command[0])
    if shutil.which(program) is None and shutil.which(f"/usr/sbin/{program}") is None:
        pytest.skip(f"{Path(program).name} is not installed" + ("; see `make examples`" if "venv" in program else ""))
    if name == "node-send" and not (EXAMPLES / "node_modules" / "send").exists():
        pytest.skip("the package send is not installed; see `make examples`")
    return target


def test_every_example_is_tested() -> None:
    assert list(EVERY) == list(DOES)


def digest_from(target: Target, root: Path) -> str:
    with serving(target, root, Start(target.name, any_port=True)) as server:
        return digest_of(server.port)


@pytest.mark.parametrize("name", ["nginx-sendfile", "lighttpd-sendfile"])
@pytest.mark.parametrize("folder", ["a blank", "$uri#;\n\t}", "{here} \\ {", 'it\'s "ç"'])
def test_an_example_runs_in_a_folder_of_any_name(
    name: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout, what is served and the temporary folders lie there."""
    installed(name)
    odd = tmp_path / folder
    odd.mkdir()
    for path in filter(Path.is_file, EXAMPLES.glob("*.*")):
        shutil.copy(path, odd)
    payload.make(odd, SMALL_BYTES, lambda _: None)
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    expected = payload.digest_path(odd / payload.NAME).read_text().split()[0]
    assert digest_from(targets(odd / "targets.toml")[name], odd) == expected


@pytest.mark.parametrize("name", ["nginx-sendfile", "lighttpd-sendfile", "http-server"])
def test_an_example_serves_a_folder_that_was_given_as_a_relative_one(
    name: str, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, expected = installed(name), payload.digest_path(served / payload.NAME).read_text().split()[0]
    monkeypatch.chdir(served.parent)
    assert digest_from(target, Path(served.name)) == expected


@pytest.fixture
def readable(served: Path) -> Iterator[Path]:
    """The served folder where everybody may read it: Apache, started by root, serves as nobody."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(served, folder, dirs_exist_ok=True)
        for path in (Path(folder), *Path(folder).iterdir()):
            path.chmod(0o755)
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", DOES)
def test_an_example_runs_and_does_what_its_name_says(name: str, readable: Path) -> None:
    target, does = installed(name), DOES[name]
    (feature,) = external_targets([target])
    assert feature.state == "available", feature.text
    proof = prove(target, readable)
    assert (proof.state, proof.reason, proof.wrong) == ("available", None, ())
    assert (proof.uncounted is not None) == (name in UNCOUNTED)
    by_reference = does.way in BY_REFERENCE
    if proof.by_reference_share is None:
        assert "whether bytes go by reference (" in (proof.unknown or "")
    else:
        assert proof.by_reference_share == pytest.approx(float(by_reference), abs=0.05)
    if proof.read_copies is None:
        assert "how it reads (" in (proof.unknown or "")
        return
    assert proof.read_copies == pytest.approx(float(does.way == "read"), abs=0.05)
    assert (way(proof), disagreement(proof)) == (does.way, None), sentence(proof)
    assert (next(iter(proof.sent_by or ())), proof.read_by if does.reads_by else None) == does[1:3], sentence(proof)
