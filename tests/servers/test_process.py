"""`python -m servers` seen from outside: its output, its signals, its exit."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import ports
from errors import UserError
from servers import cli, discovery, payload
from servers.announcement import CLIENT
from tests.conftest import PROJECT, eventually
from tests.servers.probe import own_host, why_missing
from tests.servers.process import ServerProcess
from tests.servers.raw import Connection, get, head

LARGE_BYTES = 64 << 20
Servers = Callable[..., ServerProcess]


@pytest.fixture
def one(servers: Servers, root: Path, large: Path) -> tuple[ServerProcess, int]:
    """A server process for sendfile, and its port."""
    process = servers("sendfile", "--port", "0", "--root", root)
    return process, process.ready_port()


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208  # the numbers alone


def gone(processes: list[psutil.Process]) -> bool:
    return not any(map(lives, processes))


def lives(process: psutil.Process) -> bool:
    """Whether it has not ended; a zombie has."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def test_every_mode_is_served_by_a_process_of_its_own(servers: Servers, root: Path, content: bytes) -> None:
    process = servers("--port", "0", "--root", root)
    ports = process.ready_ports(len(discovery.names()))
    assert set(ports) == set(discovery.names())
    assert len(process.children()) == len(ports)
    for name, port in ports.items():
        assert why_missing(name) is not None or get(port).body == content
    children = process.children()
    assert process.end() == 0
    assert gone(children)
    assert "Traceback" not in process.errors()


def test_several_are_listed_with_their_addresses_what_is_missing_and_what_to_do_next(
    servers: Servers, tmp_path: Path
) -> None:
    payload.make(tmp_path, 1000, lambda _: None)
    process = servers("read-send", "ktls-sendfile", "--port", "0", "--root", tmp_path, "--chunk", "64KiB")
    assert process.process.stdout
    said = [process.process.stdout.readline().decode().rstrip() for _ in range(8)]
    assert said[0] == f"serving {tmp_path}; Ctrl-C ends all servers"
    address = re.fullmatch(r"  read-send      (http://127\.0\.0\.1:(\d+)/test-file\.bin)  chunk=64KiB", said[2])
    assert address, said
    missing = said[3].startswith("  ktls-sendfile  missing on this machine: ")
    assert missing == (why_missing("ktls-sendfile") is not None)
    assert said[5] == "next, in another terminal:"
    assert said[6] == f"  {CLIENT} read-send --port {address[2]}"
    assert said[7] == f"  curl -o /dev/null {address[1]}"
    assert process.end(signal.SIGINT) == 0


def test_one_mode_is_served_by_the_process_itself(one: tuple[ServerProcess, int], root: Path) -> None:
    process, port = one
    assert process.children() == []
    assert f"sendfile: serving {root} on 127.0.0.1 port {port}, congestion control" in process.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_frees_the_port(
    one: tuple[ServerProcess, int], servers: Servers, root: Path, number: signal.Signals
) -> None:
    process, port = one
    with Connection(port) as kept:
        assert kept.get("/one").body == b"1"
        assert process.end(number) == 0
        again = servers("sendfile", "--port", str(port), "--root", root)
        assert again.ready_port() == port
        assert get(port, "/one").body == b"1"
    assert "Traceback" not in process.errors()


def refuses(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as sock:
        return sock.connect_ex((host, port)) != 0


def test_a_stalled_download_does_not_hold_it_up(one: tuple[ServerProcess, int]) -> None:
    process, port = one
    with Connection(port, receive_buffer_bytes=4096) as connection:
        connection.sock.sendall(head("/large"))
        connection.response_head()
        assert process.end() == 0
        assert len(connection.body(LARGE_BYTES)) < LARGE_BYTES
        assert connection.ended()
    assert "Traceback" not in process.errors()


def test_a_second_signal_changes_nothing(one: tuple[ServerProcess, int]) -> None:
    process, port = one
    with Connection(port, receive_buffer_bytes=4096) as connection:
        connection.sock.sendall(head("/large"))
        connection.response_head()
        for _ in range(5):
            process.process.send_signal(signal.SIGTERM)
        eventually(lambda: refuses(port))
        process.process.send_signal(signal.SIGINT)
        assert process.wait() == 0
    assert "Traceback" not in process.errors()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_parent_ends_its_children(servers: Servers, root: Path, number: signal.Signals) -> None:
    process = servers("sendfile", "read-send", "--port", "0", "--root", root)
    process.ready_ports(2)
    children = process.children()
    process.process.send_signal(number)
    process.process.send_signal(number)
    assert process.wait() == 0
    assert gone(children)
    assert process.errors() == ""


def test_ctrl_c_reaches_everybody_and_leaves_no_traceback(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "read-send", "--port", "0", "--root", root)
    process.ready_ports(2)
    children = process.children()
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 0
    assert gone(children)
    assert "Traceback" not in process.errors()


def test_ctrl_c_while_the_children_start_leaves_no_traceback(servers: Servers, root: Path) -> None:
    process = servers("--port", "0", "--root", root)
    eventually(lambda: bool(process.children()) or process.process.poll() is not None)
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait() == 0
    assert "Traceback" not in process.errors()


def test_killing_the_parent_ends_the_children(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "read-send", "--port", "0", "--root", root)
    ports = process.ready_ports(2)
    children = process.children()
    assert len(children) == 2
    process.process.kill()
    eventually(lambda: gone(children))
    assert all(refuses(port) for port in ports.values())


def test_a_child_that_is_killed_ends_the_others_and_is_named(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "read-send", "--port", "0", "--root", root)
    process.ready_ports(2)
    children = process.children()
    victim = next(child for child in children if "sendfile" in child.cmdline())
    victim.kill()
    assert process.wait() == 1
    assert gone(children)
    assert process.errors().endswith("error: sendfile was killed by SIGKILL; the other servers were stopped too\n")


def test_one_mode_that_cannot_start_ends_the_others(servers: Servers, root: Path) -> None:
    host = own_host()  # the modes' own ports may be taken on 127.0.0.1
    with socket.socket() as holder:
        holder.bind((host, discovery.discover()["read-send"].port))
        holder.listen()
        process = servers("sendfile", "read-send", "--host", host, "--root", root)
        assert process.wait() == 1
        who_is_in_the_way = ports.who_has(8081, host)
    errors = [line for line in process.errors().splitlines() if line.startswith("error:")]
    assert errors == [
        f"error: read-send cannot listen on {host} port 8081: Address already in use: "
        f"{who_is_in_the_way}, or choose free ports: --ports free (make servers PORTS=free)"
    ]
    assert "Traceback" not in process.errors()


def test_the_end_of_a_lifeline_ends_it(servers: Servers, root: Path) -> None:
    lifeline, held = os.pipe()
    process = servers("sendfile", "--port", "0", "--root", root, "--lifeline", str(lifeline), pass_fds=[lifeline])
    os.close(lifeline)
    process.ready_port()
    os.close(held)
    assert process.wait() == 0


def test_it_serves_on_when_nobody_reads_its_lines(servers: Servers, root: Path) -> None:
    host, port = own_host(), discovery.discover()["sendfile"].port
    reader, writer = os.pipe()
    os.close(reader)
    process = servers("sendfile", "--host", host, "--root", root, stdout=writer, stderr=writer)
    os.close(writer)
    eventually(lambda: process.process.poll() is not None or not refuses(port, host))
    with socket.create_connection((host, port), 20.0) as sock:
        sock.sendall(head("/absent", "Connection: close"))
        assert sock.makefile("rb").read().startswith(b"HTTP/1.1 404 ")
    assert process.end() == 0


def test_running_out_of_descriptors_is_waited_out(one: tuple[ServerProcess, int], content: bytes) -> None:
    process, port = one
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (open_files(process.pid), before[1]))
    with Connection(port) as connection:
        connection.sock.sendall(head())
        eventually(lambda: "cannot accept: Too many open files" in process.errors())
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
        assert connection.response().body == content
    assert process.errors().count("Too many open files") == 1


def test_a_file_that_finds_no_descriptor_is_503(one: tuple[ServerProcess, int]) -> None:
    process, port = one
    at_rest = open_files(process.pid)
    with Connection(port) as connection:
        assert connection.get("/absent").status == 404
        assert open_files(process.pid) == at_rest + 1
        before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (at_rest + 1, before[1]))
        response = connection.get("/one")
        assert (response.status, response.headers["connection"]) == (503, "close")
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    assert get(port, "/one").body == b"1"


def test_a_server_imports_no_other_mode(root: Path) -> None:
    """However it is asked for: its process is measured, and ssl alone is megabytes."""
    words = ["--host=::1", "--port", "0", "--connections", "9", "--congestion", "reno", "--lifeline", "0"]
    program = "import sys; from servers import cli; cli.parse(sys.argv[1:]); print(*sys.modules)"
    command = [sys.executable, "-c", program, "sendfile", *words, f"--root={root}"]
    imported = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in imported if name.startswith("servers.modes.")] == ["servers.modes.sendfile"]
    assert "ssl" not in imported


def test_a_low_limit_on_descriptors_lowers_the_limit_on_connections(servers: Servers, root: Path) -> None:
    process = servers(
        "sendfile",
        "--port",
        "0",
        "--root",
        root,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (72, 72)),
    )
    port = process.ready_port()
    assert "at most 8 connections: the limit on open files is 72" in process.errors()
    connections = [Connection(port) for _ in range(8)]
    assert [connection.get("/one").status for connection in connections] == [200] * 8
    with Connection(port) as refused:
        assert refused.response().status == 503
    for connection in connections:
        connection.sock.close()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["telepathy"], 2, "there is no mode 'telepathy' (the modes are "),
        (["sendfile", "sendfile"], 2, "a mode was named twice: sendfile sendfile"),
        (["sendfile", "read-send", "--port", "9000"], 2, "--port 9000 goes with one mode, not with 2"),
        (["--port", "9000"], 2, "--port 9000 goes with one mode"),
        (["sendfile", "--port", "65536"], 2, "--port 65536: ports go from 0 to 65535"),
        (["sendfile", "--port", "8082", "--ports", "free"], 2, "--port 8082 is not any free port"),
        (["sendfile", "--port", "-1"], 2, "--port -1: ports go from 0 to 65535"),
        (["sendfile", "--port", "http"], 2, "argument --port: invalid int value: 'http'; `python -m servers --help`"),
        (["splice", "--chunk", "64KiB"], 2, "--chunk does not apply to splice"),
        (["read-send", "--chunk", "many"], 2, "'many' is not a size: give a number of bytes"),
        (["read-send", "--chunk", "0"], 2, "--chunk 0: it goes from 1 to 1073741824 bytes"),
        (["read-send", "--chunk", "2GiB"], 2, "--chunk 2GiB: it goes from 1 to 1073741824 bytes"),
        (["read-send", "--buffer-offset=-1"], 2, "'-1' is not a size"),
        (["sendfile", "--connections", "0"], 2, "--connections 0: at least 1 connection must be allowed"),
        (["sendfile", "--so"], 2, "unrecognized arguments: --so"),
        (
            ["sendfile", "--root", "/no/such/place"],
            1,
            "cannot serve /no/such/place: No such file or directory; give an",
        ),
        (["sendfile", "--root", "/etc/passwd"], 1, "cannot serve /etc/passwd: it is not a directory"),
        (["--root", "/no/such/place"], 1, "cannot serve /no/such/place: No such file or directory"),
    ],
)
def test_wrong_arguments_are_one_clear_line(root: Path, arguments: list[str], code: int, said: str) -> None:
    with pytest.raises(UserError) as caught:
        cli.parse(["--root", str(root), *arguments])
    assert caught.value.exit_code == code
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["sendfile", "--port", "65536"], 2, "--port 65536: ports go from 0 to 65535"),
        (["sendfile", "--port", "8082", "--ports", "free"], 2, "--port 8082 is not any free port"),
        (
            ["sendfile", "--port", "0", "--host", "no.such.host.invalid"],
            1,
            "sendfile cannot listen on no.such.host.invalid",
        ),
        (["sendfile", "--port", "0", "--host", "a" * 300], 1, "it is not a valid host name"),
        (["sendfile", "--port", "0", "--host", "203.0.113.7"], 1, "Cannot assign requested address"),
        (["sendfile", "--port", "0", "--congestion", "telepathy"], 1, "congestion control 'telepathy' was refused"),
        (["sendfile", "--port", "0", "--congestion", "é"], 1, "was refused"),
    ],
)
def test_a_wrong_command_is_one_clear_line(
    servers: Servers, root: Path, arguments: list[str], code: int, said: str
) -> None:
    process = servers("--root", root, *arguments)
    assert process.wait() == code
    assert process.errors().startswith("error: ")
    assert said in process.errors()
    assert process.errors().count("\n") == 1


def test_free_ports_are_taken_where_they_are_asked_for(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "read-send", "--ports", "free", "--root", root)
    own = {name: discovery.import_mode(name)[0].port for name in ("sendfile", "read-send")}
    taken = process.ready_ports(2)
    assert taken.keys() == own.keys() and not {*taken.values()} & {*own.values()}
    assert process.end() == 0


def test_a_busy_port_is_one_clear_line(one: tuple[ServerProcess, int], servers: Servers, root: Path) -> None:
    first, port = one
    second = servers("read-send", "--port", str(port), "--root", root)
    assert second.wait() == 1
    name = Path(sys.executable).name
    assert second.errors() == (
        f"error: read-send cannot listen on 127.0.0.1 port {port}: Address already in use: process {first.pid} "
        f"({name} -m servers sendfile --port 0 --root …) listens there; stop it, or choose free ports: "
        "--ports free (make servers PORTS=free)\n"
    )


def test_a_busy_port_of_a_load_is_one_that_its_user_can_change(
    one: tuple[ServerProcess, int], servers: Servers, root: Path
) -> None:
    lifeline, held = os.pipe()
    words = ["--port", str(one[1]), "--root", root, "--lifeline", str(lifeline)]
    second = servers("read-send", *words, pass_fds=[lifeline])
    os.close(lifeline)
    assert second.wait() == 1
    os.close(held)
    assert second.errors().endswith("listens there; stop it, or choose free ports: PORTS=free\n")


def test_help_names_every_mode_and_option(servers: Servers, tmp_path: Path) -> None:
    process = servers("--help")
    assert process.process.stdout is not None
    text = " ".join(process.process.stdout.read().decode().split())
    assert process.wait() == 0
    for facts in discovery.discover().values():
        assert f"{facts.name} ({facts.port}): {facts.summary}" in text
        assert all(f"--{option.name} SIZE" in text for option in facts.options)


def test_it_serves_ipv6(servers: Servers, root: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 on this machine: {error}")
    port = servers("sendfile", "--host", "::1", "--port", "0", "--root", root).ready_port()
    with socket.create_connection(("::1", port), 20.0) as sock:
        sock.sendall(head("/one", "Connection: close"))
        assert sock.makefile("rb").read().endswith(b"\r\n\r\n1")


def test_congestion_control_can_be_chosen(servers: Servers, root: Path) -> None:
    process = servers("sendfile", "--port", "0", "--root", root, "--congestion", "reno")
    assert process.process.stdout is not None
    assert process.process.stdout.readline().endswith(b" reno\n")


def test_a_served_folder_outlives_its_name(one: tuple[ServerProcess, int], root: Path) -> None:
    _, port = one
    root.rename(root.with_name("moved"))
    assert get(port, "/one").status == 404
    root.with_name("moved").rename(root)
    assert get(port, "/one").body == b"1"


@pytest.mark.parametrize("mode", ["sendfile", "read-send"])
def test_python_itself_says_nothing(servers: Servers, root: Path, mode: str) -> None:
    """No ResourceWarning, no deprecation: what is opened is closed."""
    environment = os.environ | {"PYTHONWARNINGS": "always", "PYTHONDEVMODE": "1"}
    process = servers(mode, "--port", "0", "--root", root, env=environment)
    port = process.ready_ports(1)[mode]
    assert get(port).status == 200
    assert get(port, "/absent").status == 404
    assert process.end() == 0
    assert "Warning" not in process.errors()


def test_nothing_of_the_other_rooms_is_imported(root: Path) -> None:
    program = "import sys, servers.__main__; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    tops = {name.split(".")[0] for name in done.stdout.split()}
    assert not tops & {"load", "profiles", "reports", "locust", "gevent", "psutil", "msgspec"}
