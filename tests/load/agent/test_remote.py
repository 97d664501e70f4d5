"""An agent on another host: reached, lost, and recovered."""

import contextlib
import gc
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from errors import UserError
from load.agent import remote as remote_module
from load.agent.options import AgentOptions
from load.agent.remote import RemoteAgent
from load.errors import PeerLostError
from profiles.protocol import LOAD, SILENT_S, Start
from tests.conftest import eventually
from tests.profiles.agent.listening import CERTIFICATE, EXPIRED, end, listening, start, token_file
from tests.profiles.agent.test_service import gone


def options(folder: Path, port: int, authority: Path | None = None) -> AgentOptions:
    found = AgentOptions.read(f"127.0.0.1:{port}", str(token_file(folder)), str(authority) if authority else None)
    assert found
    return found


@contextlib.contextmanager
def remote(folder: Path, port: int, authority: Path | None = None) -> Iterator[RemoteAgent]:
    agent = RemoteAgent(options(folder, port, authority))
    try:
        yield agent
    finally:
        agent.close()
        gc.collect()


def test_servers_run_there_and_the_load_is_sampled_here(served: Path) -> None:
    with listening(served) as port, remote(served, port) as agent:
        facts = agent.facts()
        assert "of the same machine" in str(facts.host["servers_on"]) and not agent.on_other_machine
        assert (facts.host["interface"], facts.load_host) == ("loopback", {})
        status = agent.start(Start("sendfile", any_port=True))
        agent.watch(LOAD, os.getpid())
        before = agent.read()
        after = agent.read()
        assert {"sendfile", "load", "machine", "sampler", "load-sampler"} == set(after.processes)
        assert 0 < after.monotonic_s - before.monotonic_s < 30
        agent.close()
        assert gone(status.pid)


def test_samples_have_a_moment_of_ours_from_the_first(served: Path) -> None:
    with listening(served) as port:
        began_s = time.monotonic()
        with remote(served, port) as agent:
            found = agent.samples(0).samples
            assert found and all(began_s - 60 < sample.monotonic_s <= time.monotonic() for sample in found)


def test_servers_may_have_a_network_in_which_the_agent_does_not_listen(served: Path) -> None:
    with listening(served, "--serve-on", "127.0.0.2") as port, remote(served, port) as agent:
        status = agent.start(Start("sendfile", any_port=True))
        assert status.host == agent.servers_host == "127.0.0.2"
        assert str(agent.facts().host["servers_on"]).endswith(", 127.0.0.2 (another network of the same machine)")
        socket.create_connection((status.host, status.port)).close()
        for nobody in ((status.host, port), ("127.0.0.1", status.port)):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(nobody)


def test_the_process_clock_is_checked_where_the_servers_are(served: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    with listening(served) as port, remote(served, port) as agent:
        found = agent.check_clock((cpu,), 0.05)
    assert [spell.cpu for spell in found.spells] == [cpu]
    assert "process CPU time" in found.text


def test_over_tls_the_certificate_is_checked(served: Path) -> None:
    with listening(served, "--tls-cert", str(CERTIFICATE)) as port:
        with remote(served, port, CERTIFICATE) as agent:
            assert agent.snapshot().processes
        with pytest.raises(UserError, match=r"does not answer POST /lease.*wants AGENT_CA"):
            RemoteAgent(options(served, port))
        with pytest.raises(UserError, match="self-signed certificate; AGENT_CA must name"):
            RemoteAgent(options(served, port, EXPIRED))


def test_a_certificate_that_has_expired_is_refused(served: Path) -> None:
    with (
        listening(served, "--tls-cert", str(EXPIRED)) as port,
        pytest.raises(UserError, match="certificate has expired"),
    ):
        RemoteAgent(options(served, port, EXPIRED))


def test_tls_with_an_agent_without_tls_is_an_error(served: Path) -> None:
    with listening(served) as port, pytest.raises(UserError, match="it speaks no TLS"):
        RemoteAgent(options(served, port, CERTIFICATE))


def test_a_wrong_token_is_an_error(served: Path, tmp_path: Path) -> None:
    with listening(served) as port:
        (tmp_path / "other").mkdir()
        other = token_file(tmp_path / "other", "another-token-that-is-long-enough")
        wrong = AgentOptions.read(f"127.0.0.1:{port}", str(other), None)
        assert wrong
        with pytest.raises(UserError, match="the token is missing or wrong"):
            RemoteAgent(wrong)


@pytest.mark.slow
def test_an_agent_that_restarts_is_lost_and_can_be_recovered(served: Path) -> None:
    process, port = start(served)
    with remote(served, port) as agent:
        agent.facts()
        agent.start(Start("sendfile", any_port=True))
        process.kill()
        process.communicate()
        with pytest.raises(PeerLostError, match="does not answer GET /snapshot"):
            agent.read()
        again, _ = start(served, port=port)
        try:
            with pytest.raises(PeerLostError, match="restarted"):
                agent.read()
            agent.recover()
            agent.check()
            assert agent.start(Start("sendfile", any_port=True)).state == "running"
            agent.close()
        finally:
            end(again)


def test_an_agent_that_does_not_come_back_is_lost(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_module, "RECOVER_S", 0.1)
    process, port = start(served)
    with remote(served, port) as agent:
        end(process)
        with pytest.raises(PeerLostError, match="does not answer POST /lease: Connection refused"):
            agent.recover()


def test_a_loss_during_a_window_is_noticed(served: Path) -> None:
    process, port = start(served)
    with remote(served, port) as agent:
        agent._every_s = 0.05
        agent.check()
        end(process)

        def noticed() -> bool:
            try:
                agent.check()
            except PeerLostError:
                return True
            gevent.sleep(0.05)
            return False

        eventually(noticed)


@pytest.mark.slow
def test_an_agent_that_is_stopped_is_named_and_can_be_recovered(served: Path) -> None:
    process, port = start(served)
    with remote(served, port) as agent:
        agent.facts()
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(
                PeerLostError, match=rf"for {SILENT_S:g} s: it was stopped \(SIGSTOP\), or the network failed"
            ):
                agent.snapshot()
            with pytest.raises(PeerLostError, match="does not answer GET /snapshot"):
                agent.stop_all(("sendfile",))  # without waiting once more
        finally:
            process.send_signal(signal.SIGCONT)
        agent.recover()
        assert agent.snapshot().processes
    end(process)


@pytest.mark.parametrize(
    ("address", "token", "authority", "says"),
    [
        ("nonsense", "t", None, "give HOST:PORT"),
        ("10.0.0.2:8070", None, None, "AGENT_TOKEN_FILE"),
        (None, "t", None, "go with AGENT"),
        ("10.0.0.2:8070", "none", None, "cannot read the token file"),
    ],
)
def test_mistakes_are_found_before_anything_starts(
    address: str | None, token: str | None, authority: str | None, says: str
) -> None:
    with pytest.raises(UserError, match=says):
        AgentOptions.read(address, token, authority)
