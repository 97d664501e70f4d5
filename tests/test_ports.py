"""What is in the way of a server is named: a process, or connections that a server of somebody else's left behind."""

import os
import socket
from pathlib import Path

import psutil
import pytest

import ports
from errors import UserError
from tests.servers.probe import own_host


def left_behind(host: str, *, shared: bool = False) -> int:
    """A port whose server has ended first, without SO_REUSEADDR, as the one of the course's chapter does. shared: with
    it, as ours."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, shared)
        listener.bind((host, 0))
        listener.listen()
        with socket.create_connection(listener.getsockname()) as peer:
            listener.accept()[0].close()
            assert peer.recv(1) == b""
        return int(listener.getsockname()[1])


def test_a_process_that_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert ports.listeners(port) == ports.listeners(port, "127.0.0.1") == [os.getpid()]
        assert ports.listeners(port, "127.0.0.2") == [], "another address is not in the way"
        said = ports.who_has(port)
    assert said.startswith(f"process {os.getpid()} (") and said.endswith(") listens there; stop it")
    assert Path(psutil.Process().cmdline()[0]).name in said
    assert len(said) < 100


def test_busy_ports_are_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        wanted = {"read-send": one.getsockname()[1], "sendfile": two.getsockname()[1], "splice": 1}
        with pytest.raises(UserError) as refused:
            ports.require_free(wanted, "127.0.0.1", "another")
    said = str(refused.value)
    start = f"read-send cannot listen on 127.0.0.1 port {wanted['read-send']}: Address already in use: process "
    assert said.startswith(start)
    assert said.endswith("stop it, or choose another; 1 more of the 3 ports are busy") and "\n" not in said


def test_a_process_that_listens_everywhere_is_in_everybodys_way() -> None:
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        assert ports.listeners(listener.getsockname()[1], "127.0.0.1") == [os.getpid()]


def test_a_socket_that_does_not_listen_is_said_as_that() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert "a socket that does not listen" in ports.who_has(bound.getsockname()[1])


def test_what_a_server_left_behind_is_said_with_its_time() -> None:
    port = left_behind(host := own_host())
    with pytest.raises(OSError, match="in use"):
        socket.create_server((host, port))
    said = ports.who_has(port, host)
    assert "did not set SO_REUSEADDR" in said and "TIME-WAIT; wait " in said


def test_it_waits_with_a_countdown_until_the_port_is_free(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = left_behind(host := own_host())
    waits: list[float] = []

    def a_minute_later(seconds: float) -> None:
        waits.append(seconds)
        monkeypatch.setattr(ports, "_is_free", lambda *_: True)

    monkeypatch.setattr("time.sleep", a_minute_later)
    ports.wait_until_free({"read-send": port}, host)
    said = capsys.readouterr().err
    assert waits == [1.0] and said.count("\n") == 1
    assert said.startswith("read-send waits ") and f" s for port {port}: a server that did not set SO_REUSEADDR" in said


def test_one_that_may_not_set_so_reuseaddr_waits_for_any_connection_in_time_wait(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = left_behind(host := own_host(), shared=True)
    ports.wait_until_free({"ours": port}, host)
    assert capsys.readouterr().err == ""

    def a_minute_later(_: float) -> None:
        monkeypatch.setattr(ports, "_is_free", lambda *_: True)

    monkeypatch.setattr("time.sleep", a_minute_later)
    ports.wait_until_free({"theirs": port}, host, shared=False)
    assert f"s for port {port}: connections to it are still in TIME-WAIT" in capsys.readouterr().err


def test_it_does_not_wait_for_a_process_nor_where_the_port_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ports.wait_until_free({"read-send": port}, "127.0.0.1")
    ports.wait_until_free({"read-send": port}, "127.0.0.1")
    assert capsys.readouterr().err == ""
