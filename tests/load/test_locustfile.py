"""`locust -f locustfile.py` as a Locust user knows it: headless, with the web UI, interrupted."""

import contextlib
import csv
import json
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from servers import payload
from tests.conftest import SMALL_BYTES, eventually
from tests.load.locust_process import Locust, helpers_of, serving

FEW = ("read-send", "sendfile", "splice")


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locust]:
    """With every mode, for tests that leave it as it was."""
    served = tmp_path_factory.mktemp("served")
    payload.make(served, SMALL_BYTES, lambda _: None)
    with serving(served) as locust:
        yield locust


@pytest.fixture
def own(served: Path) -> Iterator[Locust]:
    """A test's own with few modes, to end and to disturb."""
    with serving(served, few=FEW) as locust:
        yield locust


def test_headless_downloads_from_the_named_modes_and_exits_with_0(served: Path) -> None:
    options = ("--any-port", "--headless", "-u", "3", "-r", "3", "-t", "2s", "--sink", "copy", "--only-summary")
    locust = Locust(served, *options, "ReadSendUser", "SendfileUser", "ReadWholeUser")
    said = locust.said()
    assert locust.process.returncode == 0, said
    for mode in ("read-send", "sendfile", "read-whole"):
        assert f"GET      {mode} " in said
    eventually(lambda: not helpers_of(served))
    (folder,) = locust.runs()
    run = folder.read_run()
    assert f"`make report RUN={run.name}`" in said
    assert (run.kind, run.state, run.users, run.sink) == ("interactive", "done", 3, "copy")
    assert {cell.mode for cell in folder.read_cells()} == {"read-send", "sendfile", "read-whole"}
    assert run.command.endswith("--sink copy ReadSendUser SendfileUser ReadWholeUser")


def test_without_names_the_courses_three_are_loaded_and_every_output_says_what_servers_paid(served: Path) -> None:
    files = ("--csv", str(served / "numbers"), "--html", str(served / "report.html"))
    locust = Locust(served, "--any-port", "--headless", "-t", "2s", "--only-summary", *files)
    said = locust.said()
    assert locust.process.returncode == 0, said
    course = ["read-send", "sendfile", "read-whole"]
    (folder,) = locust.runs()
    assert folder.read_run().users == 4 * len(course) and {cell.mode for cell in folder.read_cells()} == {*course}
    summary = said.partition("What the servers paid")[2]
    table = {line.split()[0]: line.split()[1] for line in summary.splitlines() if line.startswith(tuple(course))}
    with (served / "numbers_servers.csv").open(newline="") as file:
        rows = {row["Name"]: float(row["Server CPU s/GiB"]) for row in csv.DictReader(file)}
    assert list(table) == list(rows) == course
    assert all(float(table[mode]) == pytest.approx(rows[mode], rel=0.01) and rows[mode] > 0 for mode in course)
    section = (served / "report.html").read_text().partition('<section id="server-costs">')[2]
    assert all(f"<tr><td>{mode}</td><td>{table[mode]}</td>" in section for mode in course)


@pytest.mark.slow
def test_a_tag_is_the_name_of_a_mode(served: Path) -> None:
    options = ("--any-port", "--headless", "-t", "1s", "--only-summary", "--tags", "splice", "sendfile")
    locust = Locust(served, *options, "--exclude-tags", "sendfile")
    said = locust.said()
    assert locust.process.returncode == 0, said
    (folder,) = locust.runs()
    assert [cell.mode for cell in folder.read_cells()] == ["splice"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--tags", "sendfil"], "no data path here has the tag 'sendfil'; did you mean sendfile?"),
        (["--tags", "splice", "--exclude-tags", "splice"], "these tags leave no data path to load"),
        (["-u", "2"], "2 users for 3 data paths, so some would get none: give 3 users or more"),
        (["--pace", "fast"], "PACE='fast'"),
    ],
)
def test_what_cannot_be_loaded_as_asked_is_one_line(served: Path, options: list[str], says: str) -> None:
    locust = Locust(served, "--any-port", "--headless", *options)
    said = locust.said()
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert locust.process.returncode == 2 and len(errors) == 1 and says in errors[0]
    assert "Traceback" not in said and not locust.runs()


def test_a_load_that_cannot_be_recorded_does_not_start_and_ends_at_once(served: Path) -> None:
    locust = Locust(
        served, "--any-port", "--headless", "--only-summary", "--runs-folder", "/proc/nowhere", "SendfileUser"
    )
    said = locust.said()
    assert locust.process.returncode == 1 and "error: cannot create the run's folder" in said
    assert "Traceback" not in said and "GET      sendfile" not in said


def test_a_missing_test_file_is_one_line(tmp_path: Path) -> None:
    locust = Locust(tmp_path, "--headless", "--any-port")
    said = locust.said()
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert locust.process.returncode == 1
    assert len(errors) == 1 and "make test-file" in errors[0]
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.usefixtures("own_ports")
def test_a_busy_port_is_one_line(served: Path) -> None:
    """The modes' own ports are used unless --any-port is given; one of them is taken, by us or by somebody else."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            stack.enter_context(socket.create_server(("127.0.0.1", 8082)))
        locust = Locust(served, "--headless")
        said = locust.said()
    assert locust.process.returncode == 1
    assert re.search(r"error: \S+ did not start.* port \d+", said) and "Traceback" not in said
    eventually(lambda: not helpers_of(served))


def test_free_ports_are_refused_where_workers_could_not_know_them(served: Path) -> None:
    locust = Locust(served, "--headless", "--any-port", "--master")
    said = locust.said()
    assert locust.process.returncode == 2
    assert "error: PORTS=free (--any-port) needs a single process" in said and "Traceback" not in said


@pytest.mark.slow
def test_the_tab_shows_what_servers_pay_for_the_modes_that_were_chosen(ui: Locust) -> None:
    page = ui.get("/").decode()
    assert '"extended_tabs": [{"key": "servers", "title": "Servers"}]' in page
    answer = ui.swarm(user_count=2, spawn_rate=2, sink="discard", user_classes=["SendfileUser"])
    assert answer["success"] and answer["user_classes"] == ["SendfileUser"]

    def received(row: dict[str, str]) -> float:
        return float(row["received"].replace(",", "").replace("–", "0"))

    def paid(row: dict[str, str]) -> bool:
        return row["cost"] != "–" and float(row["user"]) + float(row["system"]) > 0

    eventually(lambda: "sendfile" in ui.rows() and paid(ui.rows()["sendfile"]))
    rows = ui.rows()
    assert received(rows["sendfile"]) > 0
    assert set(rows) >= {"read-send", "sendfile", "read-whole", "load generator"}
    assert received(rows["read-send"]) == 0
    assert float(rows["sendfile"]["cost"]) > 0 and rows["read-send"]["cost"] == "–"
    ui.ask("/load/stop")
    eventually(lambda: ui.state()["doing"] == "nothing")


@pytest.mark.slow
def test_locusts_form_offers_what_this_machine_has_and_nothing_that_it_lacks(ui: Locust) -> None:
    """All that it offers is ticked: a mode that is missing would fail in the first load that anybody starts."""
    offered = re.search(r'"available_user_classes": (\[[^]]*\])', ui.get("/").decode())
    assert offered
    servers = {server["name"]: server["missing"] for server in ui.state()["servers"]}
    here = {name for name, missing in servers.items() if not missing}
    assert "read-send" in here
    assert set(json.loads(offered[1])) == {f"{name.title().replace('-', '')}User" for name in here}
    states = {name: row["state"] for name, row in ui.rows().items()}
    assert {name for name, state in states.items() if state == "missing"} == {*servers} - here


@pytest.mark.slow
def test_a_server_that_dies_is_shown_as_dead(ui: Locust) -> None:
    next(child for child in ui.helpers() if "splice" in child.cmdline()).kill()
    eventually(lambda: ui.rows().get("splice", {}).get("state") == "dead")


@pytest.mark.slow
def test_locusts_form_says_why_a_load_does_not_start(own: Locust) -> None:
    two = ["SendfileUser", "SpliceUser"]
    for refused, says in (
        ({"user_count": 2, "sink": "drain"}, "'drain' is not a sink: choose one of discard, copy"),
        ({"user_count": 2, "pace": "fast"}, "PACE='fast'"),
        ({"user_count": 1}, "1 user for 2 data paths, so some would get none: give 2 users or more"),
        ({"user_count": 2, "host": "http://127.0.0.1:9"}, "every data path has a server of its own"),
    ):
        fields: dict[str, object] = {"spawn_rate": 1, "user_classes": two, **refused}
        answer = own.swarm(**fields)
        assert answer["success"] is False and says in answer["message"]
    assert json.loads(own.get("/stats/requests"))["user_count"] == 0
    for settings, status in (('"weight": 3', 201), ('"target": "splice"', 400), ("this is no JSON", 400)):
        answered = requests.post(own.url("/user"), f'{{"user_class_name": "SendfileUser", {settings}}}', timeout=10)
        assert answered.status_code == status, answered.text
    own.process.terminate()
    assert "Traceback" not in own.said()


@pytest.mark.slow
def test_the_address_of_the_live_page_is_said(own: Locust) -> None:
    own.process.terminate()
    assert f"the live page is {own.url()} " in own.said()


@pytest.mark.slow
def test_the_report_of_locusts_page_says_what_the_servers_paid(own: Locust) -> None:
    assert own.swarm(user_count=2, spawn_rate=2, user_classes=["SendfileUser"])["success"]
    eventually(lambda: own.state()["doing"] == "load")
    own.ask("/load/stop")
    report = own.get("/stats/report").decode()
    assert "<h2>What the servers paid</h2>" in report and "<tr><td>sendfile</td>" in report


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_no_process_is_left(own: Locust, number: int) -> None:
    helpers = own.helpers()
    assert len(helpers) >= 1 + len(FEW) and len(helpers_of(own.served)) >= len(helpers)
    own.swarm(user_count=2, spawn_rate=2, sink="copy", user_classes=["ReadSendUser"])
    own.process.send_signal(number)
    own.said()
    eventually(lambda: not any(helper.is_running() and helper.status() != "zombie" for helper in helpers))
    eventually(lambda: not helpers_of(own.served))


@pytest.mark.slow
@pytest.mark.usefixtures("own_ports")
def test_workers_are_counted_by_the_master_which_keeps_the_run(served: Path) -> None:
    """On the modes' own ports, which workers know: so only where nobody else has them."""
    options = ("--headless", "--processes", "2", "-u", "2", "-t", "3s", "--only-summary", "SendfileUser")
    locust = Locust(served, *options)
    said = locust.said()
    if "did not start" in said:
        pytest.skip("the modes' own ports are taken on this machine")
    assert locust.process.returncode == 0, said
    (folder,) = locust.runs()
    (cell,) = folder.read_cells()
    assert (folder.read_run().kind, cell.mode) == ("interactive", "sendfile")
    assert cell.received_bytes > 0 and cell.downloads > 0
    assert cell.metrics["client_cpu_s_per_gib"] is None  # of the master, it would be next to nothing
    eventually(lambda: not helpers_of(served))


@pytest.mark.slow
def test_the_web_ui_can_be_on_ipv6(served: Path) -> None:
    locust = Locust(served, "--any-port", "--web-host", "::1", few=("sendfile",))
    url = f"http://[::1]:{locust.port}"

    def answered() -> bool:
        assert locust.process.poll() is None, locust.said()
        with contextlib.suppress(requests.ConnectionError):
            return bool(requests.get(f"{url}/bench/poll", timeout=10).json()["state"])
        return False

    try:
        eventually(answered)
        asked = requests.post(f"{url}/bench/load/stop", json={}, headers={"X-Bench": "1", "Origin": url}, timeout=10)
        assert asked.status_code != 403
    finally:
        locust.process.terminate()
        locust.said()


@pytest.mark.usefixtures("own_ports")
def test_the_port_of_a_mode_is_not_the_web_uis(served: Path) -> None:
    locust = Locust(served, "--web-port", "8082")
    said = locust.said()
    errors = [line for line in said.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and ("port of sendfile" in errors[0] or "cannot listen" in errors[0])
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_login_needs_a_password_and_stands_before_every_page(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_WEB_PASSWORD", raising=False)
    without = Locust(served, "--any-port", "--web-login")
    said = without.said()
    assert without.process.returncode == 2 and "BENCH_WEB_PASSWORD" in said and "Traceback" not in said
    monkeypatch.setenv("BENCH_WEB_PASSWORD", "open sesame")
    with serving(served, "--web-login", few=FEW) as locust:
        person = requests.Session()
        for path in ("/", "/bench/", "/bench/poll", "/bench/assets/bench.js", "/bench/runs", "/bench/metrics"):
            assert "/login" in person.get(locust.url(path), timeout=10).url
        asked = person.post(locust.url("/bench/load/start"), json={"modes": ["sendfile"]}, headers={"X-Bench": "1"})
        assert "/login" in asked.url

        def lands(password: str) -> bool:
            answer = person.post(locust.url("/bench-login"), {"username": "bench", "password": password}, timeout=10)
            return answer.url == locust.url("/")

        assert not lands("sesame") and not lands("open sesame")  # too soon after a wrong one
        eventually(lambda: lands("open sesame"))
        assert person.get(locust.url("/bench/poll"), timeout=10).json()["state"]["doing"] == "nothing"
        for path in ("/bench/flames/99.svg", "/bench/reports/nope/", "/bench/assets/nope.js"):
            assert person.get(locust.url(path), timeout=10).status_code == 404
    assert "Traceback" not in locust.said()


@pytest.mark.slow
def test_an_end_in_mid_campaign_leaves_a_run_that_says_so(own: Locust) -> None:
    given = {"modes": ["read-send", "sendfile"], "users": 1, "rounds": 1000, "window": 0.2, "profile": 0, "run": "cut"}
    assert own.ask("/campaign/start", {"given": given})[0] == 200
    eventually(lambda: bool(own.state()["campaign"]["found"]))
    own.process.send_signal(signal.SIGINT)
    own.said()
    (folder,) = own.runs()
    assert folder.read_run().state == "interrupted"
    eventually(lambda: not helpers_of(own.served))


@pytest.mark.slow
def test_a_load_whose_agent_died_is_kept_as_failed_with_the_reason(own: Locust) -> None:
    own.ask("/load/start", {"modes": ["sendfile"], "users": 1})
    eventually(lambda: own.state()["doing"] == "load")
    next(child for child in own.helpers() if "profiles.agent" in child.cmdline()).kill()
    eventually(lambda: "has ended" in (own.state()["trouble"] or ""))
    own.ask("/load/stop")
    eventually(lambda: own.state()["doing"] == "nothing")
    (folder,) = own.runs()
    run = folder.read_run()
    assert run.state == "failed" and "has ended" in (run.reason or "")
    assert own.ask("/load/start", {"modes": ["sendfile"]})[0] == 200
    eventually(lambda: "has ended" in own.state()["load_error"])
