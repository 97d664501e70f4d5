"""Servers named by COMMAND=… and URL=…: what they are called, how they become targets, and what is refused at once."""

import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import knobs
from errors import UsageError, UserError
from ports import listeners
from profiles.checks.prove_mode import prove
from profiles.targets import catalog, config_file, one_line
from reports.export.reproduce import read
from scripts import make, reproduce, target
from scripts import prove as prove_command
from scripts.common_arguments import parse, parser_of
from tests.commands import run_here
from tests.profiles.targets.external_servers import SERVER
from tests.test_knobs import bare_report, started_by_make


@pytest.fixture(autouse=True)
def no_other_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalog.VARIABLE, "")
    monkeypatch.setenv(catalog.NAMED_VARIABLE, "")  # so that it is put back as it was
    monkeypatch.delenv(catalog.NAMED_VARIABLE)


def tables(*commands: str, taken: tuple[str, ...] = ()) -> one_line.Tables:
    return one_line.tables_of(commands, (), dict.fromkeys(taken, one_line.FIRST_PORT), Path("/here"))


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("caddy file-server --listen {host}:{port}", "caddy"),
        ("/opt/My_Server-2.0/bin/My_Server-2.0 {port}", "my-server-2-0"),
        ("python3 -m http.server {port}", "http-server"),
        ("python3.12 -u {here}/app.py {port}", "app"),
        ("env PORT={port} DIR=/srv/x node server.js", "server"),
        ("node server.mjs {port}", "server"),
        ("sh -c 'exec x {port}'", "sh"),
        ("7z {port}", "server-7z"),
        ("load {port}", "load-2"),
        ("ünïcode {port}", "n-code"),
        ("--- {port}", "server"),
    ],
)
def test_a_server_is_named_by_its_program(command: str, name: str) -> None:
    assert [*tables(command)] == [name]
    assert config_file.NAME.fullmatch(name)


def test_no_two_have_one_name_nor_that_of_a_mode() -> None:
    assert [*tables("sendfile {port}", "x {port}", "x -v {port}", taken=("sendfile",))] == ["sendfile-2", "x", "x-2"]
    addresses = {table["address"] for table in tables("x {port}", "x -v {port}").values()}
    assert len(addresses) == 2
    assert tables("x {port}", taken=("y",))["x"]["address"] == f"127.0.0.1:{one_line.FIRST_PORT + 1}"


def test_one_that_does_not_say_root_is_started_in_the_folder_that_is_served() -> None:
    assert tables("python3 -m http.server {port}")["http-server"]["cwd"] == "{root}"
    assert tables("caddy {port} {root}")["caddy"]["cwd"] == "{here}"
    assert tables("./bin/serve {port}")["serve"]["command"] == ["/here/bin/serve", "{port}"]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("caddy file-server", "has no {port}: put {port} where its port stands"),
        ("caddy '{port}", "No closing quotation: close the quotation"),
        ("''", "COMMAND is empty"),
    ],
)
def test_what_cannot_be_started_is_refused_at_once(command: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        tables(command)
    assert says in str(refused.value) and "\n" not in str(refused.value)


def test_an_unknown_placeholder_is_named() -> None:
    with pytest.raises(UsageError, match=r"COMMAND or URL: \[caddy\]: command: there is no placeholder \{prot\}"):
        catalog.use_lines(["caddy {port} {prot}"], ())
    assert catalog.NAMED_VARIABLE not in os.environ


@pytest.fixture
def serving(served: Path, request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server that runs already, and serves this folder; it behaves as the parameter says."""
    (served / "server.py").write_text(SERVER)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        str(served / "server.py"),
        str(served),
        str(port),
        *[getattr(request, "param", "as-usual")],
    ]
    with subprocess.Popen(command) as process:
        try:
            while not listeners(port):
                assert process.poll() is None
            yield port
        finally:
            process.kill()


def test_what_runs_already_is_found_by_its_port_and_left_running(served: Path, serving: int) -> None:
    url = f"http://127.0.0.1:{serving}/test-file.bin"
    (name,) = catalog.use_lines((), [url])
    assert name.startswith("python")
    found = catalog.discover()[name]
    assert found.facts.external == "pid" and found.facts.size_bytes == (served / "test-file.bin").stat().st_size
    assert prove(found, served).state == "available"
    with socket.create_connection(("127.0.0.1", serving)):
        pass


@pytest.mark.parametrize(
    ("serving", "says"),
    [("redirects", "status 302, which leads to /other.bin"), ("page", "is a page ('Index of /files') and not a file")],
    indirect=["serving"],
)
def test_what_is_no_file_is_refused_as_what_it_is(serving: int, says: str) -> None:
    with pytest.raises(UserError) as refused:
        catalog.use_lines((), [f"http://127.0.0.1:{serving}/test-file.bin"])
    assert says in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("ftp://127.0.0.1/x", "give one like http://127.0.0.1:8000/big.bin"),
        ("127.0.0.1:8000/x", "give one like http://127.0.0.1:8000/big.bin"),
        ("http://127.0.0.1:99999/x", "give one like http://127.0.0.1:8000/big.bin"),
        ("http://127.0.0.1:1/x", "nothing on this machine listens on port 1: start it"),
    ],
)
def test_what_does_not_run_is_said(url: str, says: str) -> None:
    with pytest.raises(UserError) as refused:
        catalog.use_lines((), [url])
    assert says in str(refused.value)


def test_a_server_in_one_line_is_proved_alone(served: Path) -> None:
    (served / "server.py").write_text(SERVER)
    command = f"{sys.executable} {served}/server.py {{root}} {{port}}"
    done = run_here(prove_command.main, "--command", command, "--root", str(served))
    assert done.returncode == 0, done.stderr
    assert "│ server " in done.stdout and "│ read-send" not in done.stdout


def test_a_campaign_compares_it_with_ours_unless_others_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, modes in (
        ([], ["caddy", "sendfile", "read-send"]),
        (["--modes", "splice"], ["caddy", "splice"]),
        (["--modes", "splice", "caddy"], ["splice", "caddy"]),
    ):
        monkeypatch.setattr(sys, "argv", ["load", "--command", "caddy {port} {root}", *given])
        assert parse(parser_of("load", "")).modes == modes


def test_a_sweep_compares_it_with_ours_behind_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, modes in (([], ["read-send", "sendfile", "caddy"]), (["--modes", "splice"], ["splice", "caddy"])):
        monkeypatch.setattr(sys, "argv", ["sweep", "--command", "caddy {port} {root}", *given])
        assert parse(parser_of("sweep", ""), baseline_first=True).modes == modes
    assert catalog.lines_of(["sendfile", "caddy"]) == {"command": ["caddy {port} {root}"], "url": []}
    assert catalog.lines_of(["sendfile"]) == {"command": [], "url": []}


def test_the_web_ui_has_its_users_before_it_reads_arguments() -> None:
    given = {"COMMAND": "caddy {port} {root}", "COMMAND2": "nginx {port} {root}", "SIZE": "1MiB"}
    assert make._with_users(given) == {"SIZE": "1MiB"}
    assert {"caddy", "nginx"} < catalog.discover().keys()


def test_the_repeating_command_says_it_again_and_make_reads_it_so() -> None:
    commands = ["serve {port} '$HOME' \"a b\"", "x {port}"]
    line = knobs.command_line("load", {"command": commands, "modes": ["serve", "x"]})
    words = shlex.split(line)[2:]
    assert words[0] == "MODES=serve x" and words[1].startswith("COMMAND=serve {port} '$$HOME'")
    assert words[2] == "COMMAND2=x {port}"
    variables = {name: text.replace("$$", "$") for name, _, text in (word.partition("=") for word in words)}
    assert knobs.arguments("load", variables)[3:] == [f"--command={text}" for text in commands]


@pytest.mark.parametrize("variable", ["COMMAND0", "COMMAND1", "COMMANDS", "COMMAND100", "ROUNDS2"])
def test_what_is_no_further_command_is_refused(variable: str) -> None:
    done = started_by_make("load", f"{variable}=x")
    assert done.returncode == 2 and f"make load has no knob {variable}; did you mean" in done.stderr


def test_a_report_never_chooses_a_command(tmp_path: Path) -> None:
    report = bare_report(tmp_path, "make load MODES='evil sendfile' COMMAND='evil {port}' COMMAND2='evil -2 {port}'")
    request = read(report)
    assert request.untaken == ("COMMAND='evil {port}'", "COMMAND2='evil -2 {port}'")
    assert not any("evil {port}" in word for word in [request.command, *request.load_arguments])
    done = run_here(reproduce.main, str(report), "--show=1")
    assert done.returncode == 2 and "give COMMAND='evil {port}'" in done.stderr and done.stdout == ""
    trusted = run_here(reproduce.main, str(report), "--show=1", "--command", "evil {port} {root}")
    assert trusted.returncode == 0, trusted.stderr
    assert "COMMAND='evil {port} {root}'" in trusted.stdout and "-2" not in trusted.stdout


def test_make_target_writes_it_down(tmp_path: Path) -> None:
    path = tmp_path / "targets.toml"
    given = ("--targets", str(path), "--command", "python3 -m http.server {port} --bind 'ü \"x\\'")
    for name, words in (("http-server", ()), ("mine", ("--name", "mine"))):
        done = run_here(target.main, *given, *words)
        assert done.returncode == 0, done.stderr
        assert f"has [{name}] now" in done.stdout
    targets = dict(zip(("http-server", "mine"), config_file.read(path, frozenset()), strict=True))
    external = targets["mine"][1]
    assert external.command[-1] == 'ü "x\\' and external.cwd == "{root}"
    for words, says in ((("--name", "mine"), "there is a mine already"), (("--name", "No"), "is not a valid name")):
        done = run_here(target.main, *given, *words)
        assert done.returncode == 2 and says in done.stderr
    assert len(config_file.read(path, frozenset())) == 2
