"""Every option of Locust that docs/locust.md says works is tried here: few Locusts, with many options each.

tests/load/beside_locust_options.py compares these commands with the table, and the table with Locust.
"""

import csv
import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from profiles.store.run_folder import RunFolder
from servers.mechanisms.tls import CERTIFICATE
from tests.conftest import PROJECT, eventually
from tests.load.locust_process import LOCUST
from tests.scripts.campaigns import folders

pytestmark = pytest.mark.slow

MINE = """
from locust import LoadTestShape, User, constant, tag, task
from load.locustfiles import download_users

globals().update(download_users("sendfile", "splice"))

class FailingUser(User):
    wait_time = constant(0.1)
    weight = 9

    @tag("fails")
    @task
    def fail(self):
        self.environment.events.request.fire(
            request_type="MINE", name=self.host, response_time=1, response_length=0, exception=ValueError("on purpose")
        )

    @task
    def stay_away(self):
        raise RuntimeError("this task has no tag that was asked for")
"""
SHAPE = """
from locust import LoadTestShape

class Steps(LoadTestShape):
    def tick(self):
        return next(((users, 9) for end_s, users in ((1, 2), (3, 6)) if self.get_run_time() < end_s), None)
"""
CONFIG = """
tags = [fails, sendfile, splice]
exclude-tags = [splice]
csv = {out}/numbers
csv-full-history = true
html = {out}/page_{{u}}_{{r}}_{{t}}.html
json-file = {out}/numbers
host = http://127.0.0.1:9
sink = copy
"""
HEADLESS = """-f {out}/mine.py --any-port --config {out}/locust.conf --headless -s 1 --exit-code-on-error 7
 --loglevel INFO --logfile {out}/log --profile nightly --reset-stats"""
SETTINGS = '{"user_class_name": "SendfileUser", "fixed_count": 2}'
VARIABLES = {"LOCUST_RUN_TIME": "3s", "LOCUST_USERS": "5", "LOCUST_SPAWN_RATE": "5", "LOCUST_ONLY_SUMMARY": "true"}
VARIABLES |= {"LOCUST_CONFIG_USERS": SETTINGS}
JSON = "--any-port --headless -u 2 -t 1s --json --skip-log-setup --equal-weights SendfileUser SpliceUser"
PAGE = """-f locustfile.py,{out}/shape.py --any-port --headful --autostart --autoquit 1 --class-picker --print-stats
 --web-port {port} --web-host * --web-host-display-name bench.example --web-login --web-base-path /locust
 --tls-cert {cert} --tls-key {cert} --build-path {webui} SendfileUser"""
MASTER = """--master --master-bind-host 127.0.0.1 --master-bind-port {port} --expect-workers 2
 --expect-workers-max-wait 60 --enable-rebalancing --headless -u 2 -t 2s --only-summary SendfileUser"""
WORKERS = "-f - --worker --processes 2 --master-host 127.0.0.1 --master-port {port}"
SAYS = {
    "--help": "--run-time",
    "--version": "locust 2.",
    "--list": "SendfileUser",
    "--show-task-ratio": "100.0      download",
    "--show-task-ratio-json": '"per_class"',
}
REFUSED = {
    "--web-auth a:b": "replaced with --web-login",
    "--legacy-ui": "no longer supported",
    "--expect-slaves": "renamed --expect-workers",
    "--slave": "renamed --worker",
    "--otel": "--otel needs OpenTelemetry, which is not installed",
    "--host http://127.0.0.1:9": "every data path has a server of its own",
    "--json --json-file x": "leaves an empty file in Locust",
    "-u 2 --pace 1MiB/s -f locustfile.py,{out}/shape.py": "the shape Steps changes their number",
    "-f {out}/wrong.py": "asks for 'sendfil', which is no data path; did you mean sendfile?",
}


def words(command: str, **values: object) -> list[str]:
    return command.format(**values).split()


def start(served: Path, *more: str, **variables: str) -> subprocess.Popen[str]:
    """Locust with locustfile.py, unless another one is named."""
    named = any(word in ("-f", "--locustfile") for word in more)
    return subprocess.Popen(
        [*LOCUST[:-1], *([] if named else ["-f", "locustfile.py"]), *folders(served), *more],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | variables,
    )


def said(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=100)[0]
    finally:
        process.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def only_run(served: Path) -> RunFolder:
    (run,) = (served / "profiles").glob("*/run.json")
    return RunFolder(run.parent)


@pytest.fixture
def out(served: Path) -> Path:
    (served / "mine.py").write_text(MINE)
    (served / "shape.py").write_text(SHAPE)
    (served / "wrong.py").write_text(MINE.replace('"sendfile"', '"sendfil"'))
    (served / "locust.conf").write_text(CONFIG.format(out=served))
    return served


def test_a_locustfile_of_ones_own_with_options_from_everywhere(out: Path) -> None:
    locust = start(out, *words(HEADLESS, out=out), **VARIABLES)
    printed = said(locust)
    assert locust.returncode == 7, printed
    log = (out / "log").read_text()
    assert "Starting Locust" in log and "no tag that was asked for" not in log
    assert "on purpose" in (out / "numbers_failures.csv").read_text()
    with (out / "numbers_stats_history.csv").open(newline="") as file:
        assert {"sendfile", "http://127.0.0.1:9", "Aggregated"} == {row["Name"] for row in csv.DictReader(file)}
    assert "sendfile" in (out / "numbers_servers.csv").read_text()
    assert '<section id="server-costs">' in (out / "page_5_5_3.html").read_text()
    names = {entry["name"]: entry["num_failures"] for entry in json.loads((out / "numbers.json").read_text())}
    assert names["sendfile"] == 0 < names["http://127.0.0.1:9"]
    run = only_run(out).read_run()
    assert (run.users, run.user_counts["sendfile"].most, run.sink) == (2, 2, "copy")
    command = f"locust -f {out}/mine.py --headless -u 5 -r 5 -t 3s --config-users '{SETTINGS}' --stop-timeout 1"
    assert run.command == f"{command} --profile nightly --sink copy SendfileUser FailingUser"
    (cell,) = only_run(out).read_cells()
    assert cell.metrics["client_cpu_s_per_gib"] is None  # there were other users in the same process


def test_json_alone_is_what_is_printed(out: Path) -> None:
    locust = start(out, *words(JSON))
    printed = said(locust)
    assert locust.returncode == 0, printed
    entries = json.loads(printed[printed.index("[\n") :])
    assert {entry["name"] for entry in entries} == {"sendfile", "splice"}


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_the_page_below_a_path_behind_a_login_over_tls_with_a_shape_that_starts_by_itself(out: Path) -> None:
    port, webui = free_port(), Path(requests.__file__).parent.parent / "locust" / "webui" / "dist"
    command = words(PAGE, out=out, port=port, cert=CERTIFICATE, webui=webui)
    locust = start(out, *command, LOCUST_HEADLESS="true", BENCH_WEB_PASSWORD="open sesame")
    url, person = f"https://127.0.0.1:{port}", requests.Session()
    person.verify, person.trust_env = False, False
    seen: list[str] = []

    def logged_in() -> bool:
        if locust.poll() is not None:
            raise AssertionError(said(locust))
        try:
            person.post(f"{url}/locust/bench-login", {"username": "bench", "password": "open sesame"}, timeout=10)
            seen.append(person.get(f"{url}/locust/bench/poll", timeout=10).json()["state"]["doing"])
        except requests.ConnectionError:
            return False
        return "load" in seen

    eventually(logged_in)
    assert "/login" in requests.get(f"{url}/locust/bench/", timeout=10, verify=False).url
    page = person.get(f"{url}/locust/", timeout=10).text
    assert '"available_shape_classes": ["Default", "Steps"]' in page and 'href="/locust/bench/"' in page
    printed = said(locust)
    assert locust.returncode == 0 and f"the live page is {url}/locust/bench/ " in printed
    assert "Starting web interface at bench.example" in printed
    assert "Shape test updating to 6 users" in printed and "GET      sendfile" in printed
    run = only_run(out).read_run()
    counts = run.user_counts["sendfile"]
    assert (run.shape, run.users, counts.most) == ("Steps", 6, 6) and 2 < counts.mean < 6
    assert run.command == f"locust -f locustfile.py,{out}/shape.py --headless --sink discard SendfileUser"


@pytest.mark.usefixtures("own_ports")
def test_workers_that_fetch_the_locustfile_from_their_master(out: Path) -> None:
    port = free_port()
    master, workers = start(out, *words(MASTER, port=port)), start(out, *words(WORKERS, port=port))
    printed = said(master), said(workers)
    if "did not start" in printed[0]:
        pytest.skip("the modes' own ports are taken on this machine")
    assert (master.returncode, workers.returncode) == (0, 0), printed
    assert re.search(r"GET +sendfile +[1-9]", printed[0])
    assert only_run(out).read_run().user_counts["sendfile"].most == 2


@pytest.mark.parametrize("option", SAYS)
def test_what_only_prints(out: Path, option: str) -> None:
    locust = start(out, option, "SendfileUser")
    printed = said(locust)
    assert locust.returncode == 0 and SAYS[option] in printed


@pytest.mark.parametrize("given", REFUSED)
def test_what_is_refused_is_one_line(out: Path, given: str) -> None:
    locust = start(out, "--any-port", "--headless", *words(given, out=out), "-t", "1s")
    printed = said(locust)
    errors = [line for line in printed.splitlines() if "error: " in line]
    assert locust.returncode == 2 and len(errors) == 1 and REFUSED[given] in errors[0], printed
    assert "Traceback" not in printed and not (out / "profiles").exists()
