"""An external server is started, found ready, measured with all its processes, and stopped to the last of them."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from errors import UserError
from profiles.protocol import Start
from profiles.targets.external_server import serving
from profiles.targets.process_helpers import free_port
from tests.conftest import PROJECT, eventually
from tests.download import digest_of
from tests.load.fake_server import answering
from tests.profiles.targets.external_servers import alive, external, from_table

START = Start("external", any_port=True)


@pytest.mark.parametrize("how", [(), ("workers",), ("daemonises",), ("ignores-sigterm",)])
def test_it_serves_and_nothing_of_it_is_left(served: Path, how: tuple[str, ...]) -> None:
    target = external(served, *how, stop_within_s=0.3 if "ignores-sigterm" in how else 30)
    with serving(target, served, START) as server:
        assert digest_of(server.port) == (served / "test-file.bin.sha256").read_text().split()[0]
        assert server.running() and len(alive(server.pids)) >= 1 + 2 * ("workers" in how)
        pids = server.pids
        said = server.end()
    assert alive(pids) == []
    assert ("did not end within 0.3 s of being asked to, and was killed" in said) == ("ignores-sigterm" in how)


def test_it_is_bound_to_the_cpus_that_servers_have(served: Path) -> None:
    cpu = max(os.sched_getaffinity(0))
    with serving(external(served, "workers"), served, Start("external", any_port=True, cpus=(cpu,))) as server:
        assert [os.sched_getaffinity(pid) for pid in server.pids] == [{cpu}] * len(server.pids)


def test_it_answers_with_the_congestion_control_of_our_servers(served: Path) -> None:
    if shutil.which("ss") is None:
        pytest.skip("ss (iproute2) is not installed, which tells what a socket uses")
    with socket.socket() as ours:
        try:
            ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")
        except OSError as error:
            pytest.skip(f"cubic may not be set here: {error.strerror}")
    with serving(external(served, "workers"), served, START) as server:
        assert server.congestion_control == "cubic"


def test_files_are_expanded_and_gone_afterwards(served: Path) -> None:
    (served / "said.txt").write_text("{root} {port} {word} {unknown}")
    (served / "copy.sh").write_text('cat "$1/said.txt" > "$2/copied.txt"; exec "$3" "$2/server.py" "$2" "$4"\n')
    external(served)
    target = from_table(
        served,
        "external",
        {
            "command": ["sh", "copy.sh", "{scratch}", "{root}", sys.executable, "{port}"],
            "address": "127.0.0.1:8399",
            "files": ["said.txt"],
        },
    )
    with serving(target, served, START) as server:
        assert (served / "copied.txt").read_text() == f"{served} {server.port} {{word}} {{unknown}}"


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("dies", "external did not start: no luck today"),
        ("never", "nothing listens there after 0.4 s"),
        ("404", "it answers 404; correct path, or the folder that it serves"),
        ("403", "it answers 403; let its user read the served folder, or correct path"),
    ],
)
def test_one_that_does_not_get_ready_is_one_line_and_gone(served: Path, how: str, says: str) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    target = external(served, how, ready_within_s=0.4 if how == "never" else 30)
    with pytest.raises(UserError) as error, serving(target, served, START):
        pass
    assert says in str(error.value) and "\n" not in str(error.value)
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before


def test_one_that_is_not_ready_yet_is_asked_again_and_says_what_it_answers(served: Path) -> None:
    with answering(b"HTTP/1.1 503 Not Yet\r\nContent-Length: 0\r\n\r\n") as (_, port):
        found = from_table(served, "external", {"pid": os.getpid(), "address": f"127.0.0.1:{port}"})
        with pytest.raises(UserError, match="it answers 503; start it"), serving(found, served, Start("external")):
            pass


def test_a_program_that_is_not_there_is_named(served: Path) -> None:
    target = from_table(served, "external", {"command": "no-such-server {port}", "address": "127.0.0.1:8399"})
    with (
        pytest.raises(UserError, match=r"no-such-server cannot be run: No such file.*; install it, or give"),
        serving(target, served, START),
    ):
        pass


def test_a_busy_port_names_who_holds_it(served: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as busy:
        target = external(served, address=f"127.0.0.1:{busy.getsockname()[1]}")
        with pytest.raises(UserError) as error, serving(target, served, Start("external")):
            pass
    assert f"process {os.getpid()} (" in str(error.value) and "listens there; stop it" in str(error.value)


def test_a_command_that_has_somebody_else_serve_is_refused(served: Path) -> None:
    """As `docker run` and `systemctl start` do: what would be measured is not what serves."""
    with serving(external(served), served, START) as other:
        found = from_table(served, "external", {"pid": other.pid, "address": f"127.0.0.1:{other.port}"})
        with serving(found, served, Start("external")) as same:
            assert same.pids == (other.pid,)
    os.mkfifo(served / "asked")
    port = free_port("127.0.0.1")
    command = ["sh", "-c", 'echo serve > "$1/asked"; exec sleep 60', "sh", "{root}"]
    target = from_table(served, "external", {"command": command, "address": f"127.0.0.1:{port}"})
    elsewhere = 'read -r _ < "$1/asked"; exec "$2" -m http.server "$3" --bind 127.0.0.1 --directory "$1"'
    with subprocess.Popen(
        ["sh", "-c", elsewhere, "sh", str(served), sys.executable, str(port)], stderr=subprocess.DEVNULL
    ) as another:
        try:
            said = r"process \d+ listens on port \d+, and its command did not start that"
            with pytest.raises(UserError, match=said), serving(target, served, Start("external")):
                pass
        finally:
            another.kill()


def test_what_was_found_running_is_measured_and_never_touched(served: Path) -> None:
    with serving(external(served, "workers"), served, START) as started:
        (served / "pid").write_text(f"{started.pid}\n")
        found = from_table(served, "external", {"pid": "pid", "address": f"127.0.0.1:{started.port}"})
        with serving(found, served, Start("external")) as server:
            assert set(server.pids) == set(started.pids)
        assert set(alive(started.pids)) == set(started.pids)
    with (
        pytest.raises(UserError, match=r"there is no process \d+: start it"),
        serving(found, served, Start("external")),
    ):
        pass


def test_a_container_is_measured_by_its_first_process(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for the engine, which says what `docker inspect` says."""
    with serving(external(served, "workers"), served, START) as started:
        engine = served / "bin" / "docker"
        engine.parent.mkdir()
        engine.write_text(
            f'#!/bin/sh\ncase "$5" in web) echo {started.pid};; off) echo 0;; '
            f'*) echo "Error: No such object: $5" >&2; exit 1;; esac\n'
        )
        engine.chmod(0o755)
        monkeypatch.setenv("PATH", f"{engine.parent}:{os.environ['PATH']}")
        address = f"127.0.0.1:{started.port}"
        with serving(from_table(served, "external", {"container": "web", "address": address}), served, START) as server:
            assert set(server.pids) == set(started.pids)
        for name, says in (("off", "container off does not run"), ("x", "docker does not know container x: Error: No")):
            target = from_table(served, "external", {"container": name, "address": address})
            with pytest.raises(UserError, match=says), serving(target, served, START):
                pass
        assert set(alive(started.pids)) == set(started.pids)


def test_a_container_engine_that_hangs_is_one_line(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = served / "docker"
    engine.write_text("#!/bin/sh\nexec sleep 60\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{served}:{os.environ['PATH']}")
    monkeypatch.setattr("profiles.targets.attach.INSPECT_TIMEOUT_S", 0.1)
    target = from_table(served, "external", {"container": "web", "address": "127.0.0.1:8399"})
    with pytest.raises(UserError, match=r"^external: docker did not answer for 0\.1 s"), serving(target, served, START):
        pass


def test_its_stop_command_is_run(served: Path) -> None:
    stop = [sys.executable, "-c", "import os,signal; os.kill(int(open('{root}/main').read()), signal.SIGKILL)"]
    with serving(external(served, "ignores-sigterm", stop=stop), served, START) as server:
        (served / "main").write_text(str(server.pid))
        assert server.end() == ""


DRIVER = """
import sys, time
from pathlib import Path
from profiles.targets.external_server import serving
from profiles.protocol import Start
from tests.profiles.targets.external_servers import external
folder = Path(sys.argv[1])
with serving(external(folder, *sys.argv[2:], stop_within_s=0.3), folder, Start("external", any_port=True)) as server:
    print(*server.pids, server.reader.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("how", [("workers",), ("daemonises", "workers"), ("ignores-sigterm", "workers")])
def test_nothing_outlives_the_agent_that_is_killed(served: Path, how: tuple[str, ...]) -> None:
    command = [sys.executable, "-c", DRIVER, str(served), *how]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout
        pids = [int(word) for word in agent.stdout.readline().split()]
        assert len(alive(pids)) == len(pids) >= 3
        agent.kill()
    eventually(lambda: alive(pids) == [])


def test_a_reaper_that_is_killed_takes_its_server_along(served: Path) -> None:
    with serving(external(served, "workers"), served, START) as server:
        pids = server.pids
        os.kill(server.reader.pid, signal.SIGKILL)
        eventually(lambda: not server.running())
        server.end()
        eventually(lambda: alive(pids) == [])
