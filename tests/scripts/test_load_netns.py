"""`make load NETNS=1`: remote agent and distributed load between two hosts that are made, and what is left of them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from errors import UsageError, UserError
from load.netns import namespaces
from load.netns.campaign import AGENT
from load.netns.namespaces import Link, joined
from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT, SMALL_BYTES, eventually
from tests.scripts.campaigns import command, folder


def refusal() -> str:
    """Why network namespaces cannot be made here; empty where they can."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("tc"):
        return "network namespaces need root and iproute2"
    name = f"bench-{os.getpid()}-trial"
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
    return "" if done.returncode == 0 else f"no network namespace can be made: {done.stderr.strip()}"


REFUSAL = refusal()
made = pytest.mark.skipif(bool(REFUSAL), reason=REFUSAL)


def ours(pid: int) -> list[str]:
    """The namespaces that a process made."""
    return [name for name in namespaces._existing() if name.startswith(f"bench-{pid}-")]


def connected(process: psutil.Process) -> int:
    """How many connections a server has, by its namespace (proc_pid_net(5): 01 is ESTABLISHED); the agent's apart."""
    try:
        if "servers" not in process.cmdline():
            return 0
        rows = Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]
    except (psutil.NoSuchProcess, OSError):
        return 0
    agent_port = f":{AGENT.port:04X}"
    return sum(row.split()[3] == "01" and not row.split()[1].endswith(agent_port) for row in rows)


class Campaign:
    """A tiny one between namespaces; more: knobs."""

    def __init__(self, served: Path, *more: str) -> None:
        arguments = command(served, "--modes", "sendfile", "--profile", "0", *more)
        self._said = served / "said.txt"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [*arguments[:2], "scripts.load", "--netns=1", *arguments[3:]], cwd=PROJECT, stdout=said, stderr=said
            )
        self.folder: RunFolder = folder(served)

    def says(self, words: str, within_s: float) -> None:
        """Wait until it has said so."""
        eventually(lambda: words in self._said.read_text(), within_s)

    def end(self) -> tuple[int, str]:
        self.process.wait(110)
        return self.process.returncode, self._said.read_text()

    def measures(self) -> None:
        """Wait for the first cell."""
        eventually(lambda: bool(self.folder.read_cells()), 50)

    def loads(self) -> None:
        """Wait until users are connected to a server, in some cell after the first."""
        self.measures()
        eventually(lambda: any(connected(child) >= 2 for child in psutil.Process(self.process.pid).children(True)), 50)


@pytest.fixture
def kept_clean() -> Iterator[None]:
    yield
    namespaces.remove_left_behind()


@made
@pytest.mark.slow
def test_servers_and_load_are_two_hosts_and_both_are_gone_at_the_end(served: Path) -> None:
    campaign = Campaign(served, "--workers", "2", "--rate", "200mbit", "--mtu", "9000")
    code, said = campaign.end()
    assert code == 0, said
    run = campaign.folder.read_run()
    assert (run.state, run.workers, run.host["mtu"]) == ("done", 2, 9000)
    assert "veth" in str(run.host["interface"]) and "not a NIC" in str(run.host["interface"])
    assert "10.213.0.1" in str(run.host["servers_on"]) and "10.213.0.2" in str(run.host["load_on"])
    assert "WORKERS=2 NETNS=1 RATE=200mbit MTU=9000" in run.command and "AGENT" not in run.command
    cells = campaign.folder.read_cells()
    assert len(cells) == 2 and not any(cell.failures for cell in cells)
    for cell in cells:
        assert 0 < cell.received_bytes / cell.wall_s < 1.5 * 200e6 / 8
        assert cell.received_bytes == cell.downloads * SMALL_BYTES
    page = (served / "reports" / "tiny" / "index.html").read_text()
    assert "not a NIC" in page and "held to 200Mbit" in page and "no network card took part" not in page
    assert ours(campaign.process.pid) == []


@made
@pytest.mark.slow
def test_a_network_that_goes_away_in_mid_cell_voids_it_and_the_run_goes_on(served: Path) -> None:
    campaign = Campaign(served, "--rounds", "2", "--retries", "1", "--window", "2")
    campaign.loads()
    servers = f"bench-{campaign.process.pid}-servers"
    subprocess.run(["ip", "-n", servers, "link", "set", namespaces.SERVERS_INTERFACE, "down"], check=True)
    campaign.says("waiting for it to come back", 100)
    subprocess.run(["ip", "-n", servers, "link", "set", namespaces.SERVERS_INTERFACE, "up"], check=True)
    code, said = campaign.end()
    assert code == 0, said
    run = campaign.folder.read_run()
    (void,) = run.voids
    assert "the agent at 10.213.0.1:8070" in void.reason
    assert void.round in [repeat.of for repeat in run.repeats]
    assert "no result in 1 of" in (served / "reports" / "tiny" / "index.html").read_text()


@made
@pytest.mark.slow
def test_an_interrupt_keeps_what_is_complete_and_leaves_nothing(served: Path) -> None:
    campaign = Campaign(served, "--rounds", "100")
    campaign.measures()
    campaign.process.terminate()
    code, said = campaign.end()
    assert (code, "interrupted." in said) == (130, True), said
    assert campaign.folder.read_run().state == "interrupted"
    assert ours(campaign.process.pid) == []


@made
@pytest.mark.slow
@pytest.mark.usefixtures("kept_clean")
def test_after_a_kill_nothing_runs_on_and_the_next_pair_removes_the_last(served: Path) -> None:
    campaign = Campaign(served, "--rounds", "100", "--workers", "1")
    campaign.measures()
    children = psutil.Process(campaign.process.pid).children(recursive=True)
    assert len(children) >= 4
    campaign.process.kill()
    campaign.process.communicate()
    eventually(lambda: not any(child.is_running() and child.status() != "zombie" for child in children), 40)
    assert ours(campaign.process.pid)
    with joined(Link()):
        assert ours(campaign.process.pid) == []


@made
def test_a_pair_is_joined_as_it_was_asked_for_and_removed() -> None:
    with joined(Link.parse("10mbit", 1400)) as pair:
        assert ours(os.getpid()) and f"bench-{os.getpid()}-load" == pair.load
        ping = namespaces.inside(pair.load, [sys.executable, "-c", PING])
        with subprocess.Popen(namespaces.inside(pair.servers, [sys.executable, "-c", PONG]), stdout=-1) as pong:
            assert pong.stdout and pong.stdout.readline() == b"ready\n"
            assert subprocess.run(ping, check=False).returncode == 0
        shown = namespaces._output("ip", "-n", pair.servers, "link", "show", namespaces.SERVERS_INTERFACE)
        assert "mtu 1400" in shown
    assert ours(os.getpid()) == []


PONG = f"""
import socket
listener = socket.create_server(("{namespaces.SERVERS_ADDRESS}", 8070))
print("ready", flush=True)
listener.accept()
"""
PING = f"""
import socket
socket.create_connection(("{namespaces.SERVERS_ADDRESS}", 8070), 10)
"""


@pytest.mark.parametrize(
    ("rate", "mtu", "says"),
    [("fast", None, "RATE"), ("1kbit", None, "RATE"), ("5tbit", None, "RATE"), (None, 99, "MTU"), (None, 70000, "MTU")],
)
def test_a_link_that_there_cannot_be_is_refused(rate: str | None, mtu: int | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Link.parse(rate, mtu)


def test_a_rate_is_read_as_tc_writes_it() -> None:
    assert Link.parse("2.5gbit", None) == Link(2_500_000_000, None)
    assert Link.parse("100Mbit", 9000) == Link(100_000_000, 9000)


def test_without_root_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(UserError, match="root alone may"), joined(Link()):
        raise AssertionError("nothing may be made")
