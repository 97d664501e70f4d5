"""An agent that listens for loads from elsewhere: whom it lets in, what it bears, what it ends."""

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errors import UserError
from profiles.agent import __main__ as agent
from profiles.agent import unread
from profiles.agent.access import Access, Address, parse_address
from profiles.agent.http_server import AgentServer
from profiles.agent.unread import MOST, Unread
from tests.conftest import PROJECT, eventually
from tests.download import digest_of
from tests.profiles.agent.listening import CERTIFICATE, TOKEN, end, listening, start, token_file
from tests.profiles.agent.test_service import gone


def ask(port: int, method: str, path: str, message: object = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        content = None if message is None else json.dumps(message)
        connection.request(method, path, content, {"Authorization": f"Bearer {TOKEN}", **headers})
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def take(port: int, **more: str) -> dict[str, str]:
    """The header that goes with every further request."""
    status, answer = ask(port, "POST", "/lease", {"load": "a test"} | more)
    assert status == 200, answer
    return {"Bench-Lease": answer["lease"]}


def refused(*arguments: str) -> str:
    """What it says instead of starting."""
    with pytest.raises(UserError) as refusal:
        agent.main(arguments)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


@contextlib.contextmanager
def serving(access: Access) -> Iterator[AgentServer]:
    """An agent's HTTP server in a thread, which answers no path."""
    server = AgentServer(access, {}, lambda: None)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.end(1.0)


def test_a_load_takes_a_lease_starts_a_server_and_gives_it_back(served: Path) -> None:
    with listening(served) as port:
        assert ask(port, "GET", "/facts")[0] == 409
        lease = take(port)
        _, status = ask(port, "POST", "/start", {"target": "sendfile", "any_port": True}, **lease)
        assert digest_of(status["port"]) == (served / "test-file.bin.sha256").read_text().split()[0]
        assert ask(port, "POST", "/lease", {"load": "another"})[0] == 423
        assert ask(port, "POST", "/release", {}, **lease)[0] == 200
        assert gone(status["pid"])
        assert ask(port, "GET", "/snapshot", **lease)[0] == 409
        take(port)


def test_servers_end_with_the_agent(served: Path) -> None:
    process, port = start(served)
    _, status = ask(port, "POST", "/start", {"target": "sendfile", "any_port": True}, **take(port))
    process.kill()
    process.communicate()
    eventually(lambda: gone(status["pid"]))


def test_a_lease_of_an_agent_before_is_none_to_this_one(served: Path) -> None:
    process, port = start(served)
    lease = take(port)
    end(process)
    again, port = start(served, port=port)
    try:
        status, answer = ask(port, "GET", "/snapshot", **lease)
        assert (status, "restarted" in answer["message"]) == (409, True)
    finally:
        end(again)


NOISE = {
    "nothing": b"",
    "a byte": b"G",
    "TLS": b"\x16\x03\x01\x02\x00\x01" + b"x" * 300,
    "zeros": b"\0" * 70_000,
    "headers": b"GET /facts HTTP/1.1\r\n" + b"a: b\r\n" * 200,
}


@pytest.mark.parametrize("noise", NOISE.values(), ids=NOISE)
def test_noise_and_silence_hold_up_nobody(served: Path, noise: bytes) -> None:
    """Each of these peers goes on holding its connection while another is answered."""
    with listening(served) as port, contextlib.ExitStack() as stack:
        for _ in range(5):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), 10))
            with contextlib.suppress(OSError):
                peer.sendall(noise)
        assert ask(port, "GET", "/alive", **take(port))[0] == 200


HOSTILE = {
    "a length of 5,000 digits": (b"POST /lease HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 400),
    "a length in other digits": ("POST /lease HTTP/1.1\r\nContent-Length: \u00b2\r\n\r\n".encode("latin-1"), 400),
    "a body in chunks": (b"POST /lease HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5\r\naaaaa\r\n" * 9, 400),
    "half a URL": (b"GET http://[::1 HTTP/1.1\r\nAuthorization: Bearer TOKEN\r\n\r\n", 400),
    "a path of control characters": (b"GET /\x1b[2J HTTP/1.1\r\nAuthorization: Bearer TOKEN\r\n\r\n", 404),
    "a method that is none": (b"BREW / HTTP/1.1\r\n\r\n", 400),
}


@pytest.mark.parametrize(("sent", "status"), HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_sent_is_answered_in_one_line(sent: bytes, status: int, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(Access(Address("127.0.0.1", 0), TOKEN)) as server:
        peer = socket.create_connection(("127.0.0.1", server.port), 20)
        with contextlib.suppress(ConnectionError):  # it had enough
            peer.sendall(sent.replace(b"TOKEN", TOKEN.encode()))
        with peer, contextlib.closing(http.client.HTTPResponse(peer)) as response:
            response.begin()
            message = json.loads(response.read())["message"]
        assert (response.status, message.isprintable()) == (status, True), message
    assert capfd.readouterr().err == ""


def test_a_head_without_end_is_not_read_to_its_end() -> None:
    """Lines of 60,000 bytes, each of them allowed: 100 would be 6 MB for each connection."""
    with serving(Access(Address("127.0.0.1", 0), TOKEN)) as server:
        peer = socket.create_connection(("127.0.0.1", server.port), 20)
        with peer, pytest.raises(ConnectionError):
            peer.sendall(b"GET / HTTP/1.1\r\n")
            for _ in range(1000):
                peer.sendall(b"a: " + b"b" * 60_000 + b"\r\n")


@pytest.mark.parametrize("noise", [b"GET /", b""], ids=["half a request", "silence"])
def test_80_peers_that_send_no_token_keep_nobody_out(served: Path, noise: bytes) -> None:
    with listening(served) as port, contextlib.ExitStack() as stack:
        lease = take(port)
        for _ in range(80):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 10)).sendall(noise)
        for _ in range(3):
            assert ask(port, "GET", "/alive", **lease)[0] == 200


def test_who_has_sent_the_token_keeps_its_connections_when_others_have_too_many() -> None:
    unread = Unread(lambda: 0.0)
    made: list[tuple[socket.socket, socket.socket]] = []

    def connect(peer: str) -> None:
        made.append(socket.socketpair())
        unread.add(made[-1][0], peer)

    unread.know("good")
    connect("good")
    for number in range(10):
        connect(f"few-{number}")
    for _ in range(2 * MOST):
        connect("greedy")
    gone = [is_shut(theirs) for _, theirs in made]
    assert not any(gone[:11]) and not gone[-1] and gone.count(False) == MOST
    for number in range(MOST):
        connect(f"stranger-{number}")
    gone = [is_shut(theirs) for _, theirs in made]
    assert not gone[0] and not gone[-1] and gone.count(False) == MOST
    for pair in made:
        for end_of_it in pair:
            end_of_it.close()


def is_shut(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False


def test_an_agent_that_listens_watches_no_process(served: Path) -> None:
    with listening(served) as port:
        lease = take(port, load="a\x1b[2Jb")
        assert ask(port, "POST", "/watch", {"name": "load", "pid": 1}, **lease)[0] == 404
        assert "a\\x1b[2Jb" in ask(port, "POST", "/lease", {"load": "x"})[1]["message"]


def test_a_peer_that_sends_too_slowly_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "READ_TIMEOUT_S", 0.3)
    with serving(Access(Address("127.0.0.1", 0), TOKEN)) as server:
        peer = socket.create_connection(("127.0.0.1", server.port), 60)
        peer.settimeout(0.05)

        def cut() -> bool:
            try:
                peer.sendall(b"x")
                return peer.recv(1) == b""
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        with peer:
            eventually(cut)


def test_over_tls_it_answers_and_in_the_clear_it_does_not(served: Path) -> None:
    with listening(served, "--tls-cert", str(CERTIFICATE)) as port:
        context = ssl.create_default_context(cafile=CERTIFICATE)
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=20)
        with contextlib.closing(connection):
            connection.request("POST", "/lease", json.dumps({"load": "x"}), {"Authorization": f"Bearer {TOKEN}"})
            assert connection.getresponse().status == 200
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(port, "GET", "/facts")


def test_large_answers_are_packed_for_those_who_can_unpack_them(served: Path) -> None:
    with listening(served) as port:
        lease = take(port)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        with contextlib.closing(connection):
            headers = {"Authorization": f"Bearer {TOKEN}", "Accept-Encoding": "gzip", **lease}
            connection.request("GET", "/facts", headers=headers)
            response = connection.getresponse()
            assert response.getheader("Content-Encoding") == "gzip"
            assert int(response.getheader("Content-Length") or 0) < 20_000


def test_a_refusal_is_one_line_and_an_exit_code() -> None:
    command = [sys.executable, "-m", "profiles.agent", "--listen", "127.0.0.1:0"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "needs TOKEN_FILE" in done.stderr


def test_what_is_unsafe_or_cannot_be_is_refused_at_the_start_in_one_line(served: Path, tmp_path: Path) -> None:
    token = str(token_file(served))
    open_to_all = tmp_path / "open"
    open_to_all.write_text("x" * 40)
    open_to_all.chmod(0o644)
    short = tmp_path / "short"
    short.touch(mode=0o600)
    short.write_text("secret")
    assert "needs TOKEN_FILE" in refused("--listen", "127.0.0.1:0")
    assert "chmod 600" in refused("--listen", "127.0.0.1:0", "--token-file", str(open_to_all))
    assert "16 or more" in refused("--listen", "127.0.0.1:0", "--token-file", str(short))
    assert "cannot read the token file" in refused("--listen", "127.0.0.1:0", "--token-file", str(tmp_path / "none"))
    assert "not a file" in refused("--listen", "127.0.0.1:0", "--token-file", "/dev/null")
    assert "give HOST:PORT" in refused("--listen", "127.0.0.1", "--token-file", token)
    assert "cannot listen on 192.0.2.1:8070" in refused("--listen", "192.0.2.1:8070", "--token-file", token)
    assert "for TLS" in refused("--listen", "127.0.0.1:0", "--token-file", token, "--tls-cert", token)
    assert "needs TLS_CERT" in refused("--listen", "127.0.0.1:0", "--token-file", token, "--tls-key", token)
    assert "need LISTEN" in refused("--token-file", token)
    assert "need LISTEN" in refused("--serve-on", "127.0.0.2")
    elsewhere = refused("--listen", "127.0.0.1:0", "--token-file", token, "--serve-on", "192.0.2.1")
    assert elsewhere == "SERVE_ON=192.0.2.1: Cannot assign requested address; give an address of this host"


def test_off_loopback_it_says_what_that_means(served: Path) -> None:
    command = [sys.executable, "-m", "profiles.agent", "--root", str(served), "--listen", "0.0.0.0:0"]
    command += ["--token-file", str(token_file(served))]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    process.terminate()
    _, said = process.communicate(timeout=20)
    assert "answer whoever reaches 0.0.0.0" in said and "in the clear" in said and said.count("\n") == 2


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("10.0.0.2:8070", "10.0.0.2", 8070), ("[::1]:1", "::1", 1), ("bench.lan:80", "bench.lan", 80)],
)
def test_an_address_is_read_and_written_alike(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert (address.host, address.port, str(address)) == (host, port, text)
