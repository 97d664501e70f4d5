"""The page's routes: what may be asked for, what is refused, and what a load leaves behind."""

import contextlib
import http.client
import json
import os
import select
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from profiles.store.records import DeepProfile, Profile, Sample
from tests.conftest import SMALL_BYTES, eventually
from tests.load.locust_process import Locust, serving

pytestmark = pytest.mark.slow

FEW = ("read-send", "sendfile", "read-whole", "splice")
TINY = {"rounds": 1, "window": 0.2, "profile": 0, "users": 1, "modes": ["read-send", "sendfile"]}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def bench(served: Path) -> Iterator[Locust]:
    with serving(served, "--size", str(SMALL_BYTES), few=FEW) as locust:
        yield locust


def at_rest(bench: Locust) -> bool:
    state = bench.state()
    return state["doing"] == "nothing" and not state["reports"]["waiting"]


def test_a_load_is_drawn_recorded_and_reported_without_a_verdict(bench: Locust) -> None:
    status, answer = bench.ask("/load/start", {"modes": ["read-send", "sendfile"], "users": 2, "sink": "copy"})
    assert status == 200, answer
    eventually(lambda: bench.state()["doing"] == "load")

    def received(mode: str) -> list[float]:
        values = [point["p"].get(mode, [0] * 8)[7] for point in bench.poll()["points"]["fine"]]
        return [value for value in values if value]

    eventually(lambda: len(received("sendfile")) > 3 and len(received("read-send")) > 3)
    assert not received("read-whole")
    assert bench.ask("/load/start", {"modes": ["sendfile"]})[0] == 400
    bench.ask("/load/stop")
    eventually(lambda: at_rest(bench), 100)
    (folder,) = bench.runs()
    run = folder.read_run()
    assert (run.kind, run.state, run.sink, run.users) == ("interactive", "done", "copy", 4)
    cells = folder.read_cells()
    assert [(cell.round, cell.mode) for cell in cells] == [(1, "read-send"), (1, "sendfile")]
    assert all(cell.received_bytes > 0 and cell.metrics["server_cpu_s_per_gib"] for cell in cells)
    assert all(cell.metrics["client_cpu_s_per_gib"] is None for cell in cells)
    assert {"read-send", "sendfile", "load", "machine"} <= {sample.process for sample in folder.read(Sample)}
    report = bench.get(f"/bench/reports/{run.name}/").decode()
    assert "Interactive, not a campaign" in report
    assert all(words not in report for words in ("inconclusive:", "no difference beyond", "% CI)"))
    (listed,) = json.loads(bench.get("/bench/runs"))
    assert (listed["name"], listed["kind"], listed["report"]) == (run.name, "interactive", True)


def test_a_campaign_is_that_of_make_load(bench: Locust) -> None:
    status, answer = bench.ask("/campaign/start", {"given": TINY | {"run": "from-the-page"}})
    assert status == 200, answer
    assert bench.state()["campaign"]["warning"].startswith("ROUNDS=1 gives no interval and no verdict, only medians")
    assert bench.ask("/load/start", {"modes": ["sendfile"]})[1]["error"].startswith("a campaign is running")
    assert bench.ask("/server/start", {"mode": "sendfile"})[0] == 400
    eventually(lambda: bench.state()["campaign"]["state"] == "done", 50)
    eventually(lambda: at_rest(bench), 100)
    found = bench.state()["campaign"]["found"]
    assert found["baseline"] == "read-send" and [mode["mode"] for mode in found["modes"]] == ["sendfile"]
    assert "1" in found["modes"][0]["ratios"] and 1 <= found["rounds"] <= found["planned"]
    points = bench.poll()["points"]["fine"]
    before, after = [index for index, point in enumerate(points) if not point["p"]][-2:]
    drawn = points[before + 1 : after]  # one for each round (a busy machine has it repeated), and nothing of its slices
    assert len(drawn) == found["rounds"]
    assert all(point["p"][mode][7] > 0 for point in drawn for mode in ("read-send", "sendfile"))
    run = next(folder.read_run() for folder in bench.runs() if folder.path.name == "from-the-page")
    assert (run.kind, run.state, run.baseline) == ("campaign", "done", "read-send")
    assert run.command.startswith("make load MODES='read-send sendfile' ")
    assert {"USERS=1", "ROUNDS=1", "WINDOW=0.2", "PROFILE=0"} <= set(run.command.split())
    assert b"no verdict" in bench.get("/bench/reports/from-the-page/")
    eventually(lambda: {server["state"] for server in bench.state()["servers"]} <= {"running", "dead"})
    assert bench.ask("/campaign/start", {"given": TINY | {"run": "from-the-page"}})[0] == 400


def test_a_campaign_can_be_stopped_and_keeps_what_was_complete(bench: Locust) -> None:
    bench.ask("/campaign/start", {"given": TINY | {"run": "cut-short", "rounds": 1000}})
    eventually(lambda: (bench.state()["campaign"]["found"] or {"rounds": 0})["rounds"] >= 1, 50)
    bench.ask("/campaign/stop")
    eventually(lambda: at_rest(bench), 100)
    folder = next(folder for folder in bench.runs() if folder.path.name == "cut-short")
    assert folder.read_run().state == "interrupted" and len(folder.read_cells()) >= 2
    assert bench.state()["campaign"]["state"] == "stopped"
    eventually(lambda: {server["state"] for server in bench.state()["servers"]} <= {"running", "dead"})


def test_a_flame_graph_of_a_load_is_the_reports_and_is_kept_in_its_run(bench: Locust) -> None:
    status, answer = bench.ask("/load/start", {"modes": ["read-send", "sendfile"], "users": 4})
    assert status == 200, answer
    eventually(lambda: any(point["p"].get("read-send", [0] * 8)[7] for point in bench.poll()["points"]["fine"][-2:]))
    run = bench.state()["run"]
    assert bench.ask("/record", {"mode": "read-send", "seconds": 2})[0] == 200
    assert "is being recorded: wait" in bench.ask("/record", {"mode": "read-send", "seconds": 1})[1]["error"]
    eventually(lambda: bench.state()["flames"][0]["state"] != "recording", 100)
    flame = bench.state()["flames"][0]
    bench.ask("/load/stop")
    if flame["state"] == "failed":
        pytest.skip(flame["reason"])
    folder = next(folder for folder in bench.runs() if folder.path.name == run)
    (sampled,), (deep,) = folder.read(Profile), folder.read(DeepProfile)
    shown = bench.get(f"/bench/flames/{flame['number']}").decode()
    assert (sampled.svg, sampled.cell.mode) == ("read-send.svg", "read-send")
    if deep.reason:  # perf is not permitted here
        assert flame["reason"] == f"Python frames only: {deep.reason}" and "<svg" in shown
    else:
        assert flame["reason"] == "" and "CPU ms/GiB" in shown and deep.folded == "read-send.folded"
    eventually(lambda: at_rest(bench), 100)


def at_once(bench: Locust, path: str, command: Any, times: int) -> list[int]:
    """The statuses of so many equal requests at the same time."""
    with ThreadPoolExecutor(times) as pool:
        return sorted(status for status, _ in pool.map(lambda _: bench.ask(path, command), range(times)))


def test_one_of_ten_starts_at_once_is_accepted_and_stopping_twice_leaves_all_servers_running(bench: Locust) -> None:
    for start, stop, command in (
        ("/load/start", "/load/stop", {"modes": ["sendfile"], "users": 1}),
        ("/campaign/start", "/campaign/stop", {"given": TINY | {"rounds": 1000}}),
    ):
        assert at_once(bench, start, command, 10) == [200, *[400] * 9]
        eventually(lambda: bench.state()["doing"] in ("load", "campaign"))
        assert at_once(bench, stop, {}, 3) == [200] * 3
        assert bench.state()["doing"] == "nothing"
    eventually(lambda: {server["state"] for server in bench.state()["servers"]} == {"running"})
    eventually(lambda: at_rest(bench), 100)


@pytest.mark.parametrize(
    ("path", "command", "says"),
    [
        ("/load/start", {"modes": []}, "choose a mode"),
        ("/load/start", {"modes": ["sendfile"], "size": " " * 70_000}, "65536 bytes at most"),
        ("/load/start", {"modes": ["pigeon"]}, "no mode 'pigeon'"),
        ("/load/start", {"modes": ["sendfile"], "users": 0}, "0 users"),
        ("/load/start", {"modes": ["sendfile"], "users": 10**9}, "users"),
        ("/load/start", {"modes": ["sendfile"], "users": "4"}, "not understood"),
        ("/load/start", {"modes": ["sendfile"], "sink": "drain"}, "not understood"),
        ("/load/start", {"modes": ["sendfile"], "pace": "auto"}, "by hand is saturated"),
        ("/load/start", {"modes": ["sendfile"], "pace": "fast"}, "PACE='fast'"),
        ("/load/start", {"modes": ["sendfile"], "size": "huge"}, "is not a size"),
        ("/load/start", {"modes": ["sendfile"], "size": "0"}, "give a size"),
        ("/campaign/start", {"given": TINY | {"rounds": 0}}, "ROUNDS=0"),
        ("/campaign/start", {"given": TINY | {"window": 0.01}}, "WINDOW=0.01"),
        ("/campaign/start", {"given": TINY | {"run": "../x"}}, "RUN='../x'"),
        ("/campaign/start", {"given": TINY | {"modes": ["sendfile", "sendfile"]}}, "once per round"),
        ("/server/start", {"mode": "pigeon"}, "no mode 'pigeon'"),
        ("/record", {"mode": "sendfile", "seconds": 0}, "0 seconds"),
        ("/record", {"mode": "../x", "seconds": 1}, "no mode"),
        ("/runs/nope/report", {}, "no run 'nope'"),
    ],
)
def test_an_invalid_command_is_one_line_and_starts_nothing(bench: Locust, path: str, command: Any, says: str) -> None:
    status, answer = bench.ask(path, command)
    assert status == 400 and says in answer["error"] and "\n" not in answer["error"]
    assert bench.state()["doing"] == "nothing"


@pytest.mark.parametrize("name", ["build/package.json", "./build/package.json", "vendor/../build/package.json"])
def test_what_the_assets_are_built_from_is_not_served(bench: Locust, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", bench.port, timeout=10)
    connection.request("GET", f"/bench/assets/{name}")  # as it is: urllib and browsers would shorten it
    assert connection.getresponse().status == 404
    connection.close()


def test_a_command_in_chunks_is_counted_as_it_arrives(bench: Locust) -> None:
    """300 MiB without a length: refused, and never held in memory."""
    before = psutil.Process(bench.process.pid).memory_info().rss
    connection = http.client.HTTPConnection("127.0.0.1", bench.port, timeout=60)
    with contextlib.suppress(ConnectionError):
        connection.request("POST", "/bench/load/start", (bytes(1 << 20) for _ in range(300)), {"X-Bench": "1"})
        assert connection.getresponse().status == 400
    connection.close()
    assert psutil.Process(bench.process.pid).memory_info().rss - before < 64 << 20


def test_a_head_that_is_none_is_said_in_one_line(bench: Locust) -> None:
    assert bench.process.stdout is not None
    fd, said = bench.process.stdout.fileno(), b""
    with socket.create_connection(("127.0.0.1", bench.port)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")
    while b"got more than 100 headers" not in said and select.select([fd], [], [], 10)[0]:
        said += os.read(fd, 1 << 16)
    assert b"got more than 100 headers" in said and b"Traceback" not in said


@pytest.mark.parametrize("users", ["9" * 5000, "100001", "-1", "\N{SUPERSCRIPT TWO}", "nan"])
def test_a_number_of_users_that_is_none_starts_nothing(bench: Locust, users: str) -> None:
    answer = bench.swarm(user_count=users, spawn_rate=1, user_classes="SendfileUser")
    assert not answer["success"] and bench.state()["doing"] == "nothing"


def test_a_size_without_room_is_refused_where_it_was_asked_for(bench: Locust) -> None:
    assert bench.ask("/load/start", {"modes": ["sendfile"], "size": "900000GiB"})[0] == 200
    eventually(lambda: "too large here" in bench.state()["load_error"])
    assert bench.state()["doing"] == "nothing"


@pytest.mark.parametrize("path", ["/bench/reports/..%2f..%2fetc/", "/bench/reports/nope/", "/bench/flames/99"])
def test_what_is_not_there_is_404(bench: Locust, path: str) -> None:
    with pytest.raises(OSError, match="404"):
        bench.get(path)


def test_strangers_are_refused(bench: Locust) -> None:
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        status, answer = bench.ask("/load/start", {"modes": ["sendfile"]}, **headers)
        assert status == 403 and answer["error"]
    assert bench.state()["doing"] == "nothing"


def test_the_page_may_load_nothing_from_elsewhere(bench: Locust) -> None:
    page = bench.get("/bench/").decode()
    assert "Live charts and campaigns" in bench.get("/").decode()
    assert "http://" not in page and "https://" not in page
    assert 'href="/bench/"' in bench.get("/").decode()


def test_a_server_that_died_is_shown_with_its_last_words_and_started_again(bench: Locust) -> None:
    victim = next(child for child in bench.helpers() if "splice" in child.cmdline())
    victim.kill()

    def server() -> Any:
        return next(one for one in bench.state()["servers"] if one["name"] == "splice")

    eventually(lambda: server()["state"] == "dead")
    assert "SIGKILL" in server()["last_stderr_line"]
    assert bench.ask("/server/start", {"mode": "splice"})[0] == 200
    eventually(lambda: server()["state"] == "running")
