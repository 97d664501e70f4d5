"""Servers that speak no HTTP, like the course's: found, started, proved; two modes of one process, and their file."""

import json
import os
import shlex
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from errors import UsageError, UserError
from profiles.checks.prove_mode import prove
from profiles.protocol import Start
from profiles.targets import catalog, config_file, own_file, raw_probe
from profiles.targets.catalog import Target, discover, use_lines
from profiles.targets.external_server import serving
from profiles.targets.http_probe import Endpoint
from profiles.targets.process_helpers import free_port
from profiles.targets.supervisor import Supervisor
from scripts import prove as prove_command
from scripts import reproduce, target
from scripts.common_arguments import parser_of
from servers import payload
from tests.commands import run_here
from tests.conftest import PROJECT
from tests.course.ports import two_ports
from tests.profiles.targets.external_servers import alive
from tests.test_knobs import bare_report

PROGRAM = PROJECT / "tests" / "course" / "server.py"
SIZE_BYTES = 3_000_017


@pytest.fixture(autouse=True)
def no_other_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalog.VARIABLE, "")
    monkeypatch.setenv(catalog.NAMED_VARIABLE, "")  # so that it is put back as it was
    monkeypatch.delenv(catalog.NAMED_VARIABLE)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A folder as the course's support/: the server, and the large file that it sends."""
    folder = tmp_path / "lab"
    payload.make(folder, SIZE_BYTES, lambda _: None)
    (folder / "server.py").write_text(PROGRAM.read_text())
    (folder / payload.NAME).rename(folder / "large-file.txt")
    return folder


def command(lab: Path, *numbers: int, file: str = "large-file.txt") -> str:
    return shlex.join([sys.executable, str(lab / "server.py"), *map(str, numbers), file])


def named(lab: Path, *modes: str) -> tuple[list[str], tuple[int, int]]:
    """The names of the two modes of the course's server, and their ports."""
    numbers = two_ports()
    return use_lines([command(lab, *numbers)], (), "raw", f"{numbers[0]} {numbers[1]}", modes), numbers


def downloaded(target: Target, port: int) -> int:
    endpoint = Endpoint("127.0.0.1", port, target.facts.path, tls=False, protocol="raw")
    return raw_probe.download(endpoint, 20.0).size_bytes


def test_two_ports_of_a_command_are_two_modes_whose_file_is_learned(lab: Path) -> None:
    names, numbers = named(lab, "sendfile", "their-read", "their-sendfile@again")
    assert names == ["their-read", "their-sendfile"]
    facts = [discover()[name].facts for name in names]
    assert [each.port for each in facts] == [*numbers]
    assert [each.process for each in facts] == ["their-read", "their-read"]
    assert {each.size_bytes for each in facts} == {SIZE_BYTES} and {each.protocol for each in facts} == {"raw"}
    digest = (lab / f"{payload.NAME}.sha256").read_text().split()[0]
    assert {each.sha256 for each in facts} == {digest}


def test_without_names_they_are_called_after_the_program_and_the_port(lab: Path) -> None:
    names, numbers = named(lab, "sendfile")
    assert names == [f"server-{port}" for port in numbers]


def test_one_process_serves_both_and_ends_with_the_last_of_them(lab: Path) -> None:
    names, numbers = named(lab)
    supervisor = Supervisor({name: discover()[name] for name in names}, lab)
    try:
        statuses = supervisor.start_all([Start(name) for name in names])
        assert [status.port for status in statuses] == [*numbers]
        pids = {pid for name in names for pid in supervisor.pids(name)}
        assert supervisor.pids(names[0]) == supervisor.pids(names[1]) and len(alive(pids)) == 1
        first, second = (discover()[name] for name in names)
        assert downloaded(first, numbers[0]) == downloaded(second, numbers[1]) == SIZE_BYTES
        supervisor.stop(names[0])
        assert len(alive(pids)) == 1 and downloaded(second, numbers[1]) == SIZE_BYTES
        supervisor.stop(names[1])
        assert alive(pids) == []
        assert supervisor.start(Start(names[1])).port == numbers[1], "at once, on a port without SO_REUSEADDR"
        assert downloaded(second, numbers[1]) == SIZE_BYTES
    finally:
        supervisor.close()


def test_connections_that_are_left_on_either_port_are_waited_for(
    lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names, numbers = named(lab)
    supervisor = Supervisor({name: discover()[name] for name in names}, lab)
    supervisor.start_all([Start(name) for name in names])
    with socket.create_connection(("127.0.0.1", numbers[1]), 20.0) as sock:
        while sock.recv(1 << 20):
            pass  # the server closes first, and this end closes without a reset
    supervisor.stop_all(names)

    def no_minute(_: float) -> None:
        raise UserError("a minute later")

    monkeypatch.setattr("ports.time", SimpleNamespace(sleep=no_minute))
    with pytest.raises(UserError, match="a minute later"):
        supervisor.start_all([Start(name) for name in names])
    assert f"s for port {numbers[1]}: connections to it are still in TIME-WAIT" in capsys.readouterr().err
    supervisor.close()


def test_where_one_of_them_does_not_start_nothing_is_left(lab: Path) -> None:
    names, numbers = named(lab)
    wrong = json.loads(os.environ[catalog.NAMED_VARIABLE])
    elsewhere = free_port("127.0.0.1")
    wrong["tables"][names[1]] |= {"address": f"127.0.0.1:{elsewhere}", "ready_within_s": 0.3}
    os.environ[catalog.NAMED_VARIABLE] = json.dumps(wrong)
    supervisor = Supervisor({name: discover()[name] for name in names}, lab)
    said = f"{names[1]}: .*nothing listens there after 0.3 s.* on port {min(numbers)} and {max(numbers)} instead"
    with pytest.raises(UserError, match=said):
        supervisor.start_all([Start(name) for name in names])
    assert supervisor.running() == {}
    supervisor.close()


@pytest.mark.parametrize(("which", "sent_by"), [(0, "sendto"), (1, "sendfile")])
def test_it_is_proved_by_whole_downloads(lab: Path, which: int, sent_by: str) -> None:
    """An early end of a download would end the thread of its port."""
    names, _ = named(lab)
    proof = prove(discover()[names[which]], lab)
    assert proof.state == "available", proof.reason
    assert "a raw server sends one file" in (proof.unknown or "")
    if proof.calls_reason is None:  # strace may trace here
        assert {call.removesuffix("64") for call, share in (proof.sent_by or {}).items() if share > 0.9} == {sent_by}


def test_a_file_that_changed_is_said(lab: Path) -> None:
    names, _ = named(lab)
    (lab / "large-file.txt").write_bytes(b"another")
    proof = prove(discover()[names[0]], lab)
    assert proof.state == "degraded" and "all 7 bytes, where 3,000,017 others were expected" in (proof.reason or "")


def test_one_that_serves_our_folder_is_held_against_our_file(served: Path) -> None:
    program = served / "server.py"
    program.write_text(PROGRAM.read_text())
    numbers = two_ports()
    line = command(served, *numbers, file="{root}/test-file.bin")
    names = use_lines([line], (), "raw", f"{numbers[0]} {numbers[1]}")
    assert [discover()[name].facts.size_bytes for name in names] == [None, None]
    assert prove(discover()[names[1]], served).state == "available"


def test_what_runs_already_is_named_by_its_address(lab: Path) -> None:
    names, numbers = named(lab)
    target = discover()[names[0]]
    with serving(target, lab, Start(target.name)):
        del os.environ[catalog.NAMED_VARIABLE]
        found = use_lines((), [f"127.0.0.1:{port}" for port in numbers], "raw")
        facts = [discover()[name].facts for name in found]
        assert {each.size_bytes for each in facts} == {SIZE_BYTES}
        assert [each.process for each in facts] == [found[0], found[0]], "one process"


@pytest.mark.parametrize(
    ("commands", "urls", "protocol", "where", "modes", "says"),
    [
        ([], [], "raw", "", (), "PROTOCOL=raw is of a COMMAND or URL: give one"),
        ([], [], "http", "8081", (), "PORTS='8081' says where one COMMAND listens: give that, or PORTS=free or fixed"),
        (["a", "b"], [], "raw", "8081", (), "says where one COMMAND listens"),
        (["a {port}"], [], "raw", "8081", (), "has a {port}, and PORTS says where it listens: leave out one of them"),
        (["a"], [], "raw", "free", (), "has no {port}: put {port} where its port stands"),
        (["a"], [], "raw", "8081 8091", ("sendfile", "x"), "PORTS has 2 and MODES names x, which are none of ours"),
        (["a"], [], "raw", "99999", (), "address '127.0.0.1:99999': give host:port"),
        ([], ["http://127.0.0.1:1/x"], "raw", "", (), "URL 'http://127.0.0.1:1/x': give host:port"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    commands: list[str], urls: list[str], protocol: str, where: str, modes: tuple[str, ...], says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        use_lines(commands, urls, protocol, where, modes)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_a_server_without_its_file_says_what_it_wrote(lab: Path) -> None:
    (lab / "large-file.txt").unlink()
    with pytest.raises(UserError, match=r"sent no file .* the connection ended .*No such file or directory.*: 'large"):
        named(lab)


def test_one_that_waits_for_a_request_is_told_from_one_that_sends(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_file, "SILENT_S", 0.3)
    number, _ = two_ports()
    line = shlex.join([sys.executable, "-m", "http.server", "--directory", str(lab), str(number)])
    with pytest.raises(UserError, match=r"asks for nothing: timed out.*; leave out PROTOCOL=raw where it speaks HTTP"):
        use_lines([line], (), "raw", str(number))


def test_the_command_that_compares_it_says_what_it_speaks_and_where(lab: Path) -> None:
    words = ["--command", command(lab, 8081, 8082), "--protocol=raw", "--ports=8081 8082"]
    arguments = parser_of("prove", "").parse_args(words)
    said = prove_command._worth_it(arguments, ["server-8081", "server-8082"])
    assert "PROTOCOL=raw" in said and "PORTS='8081 8082'" in said and "COMMAND=" in said


def test_make_target_writes_both_down_with_their_file(lab: Path, tmp_path: Path) -> None:
    path, numbers = tmp_path / "targets.toml", two_ports()
    words = ["--targets", str(path), "--command", command(lab, *numbers), "--protocol=raw"]
    words += [f"--ports={numbers[0]} {numbers[1]}", "--name=their-read their-sendfile"]
    done = run_here(target.main, *words)
    assert done.returncode == 0, done.stderr
    assert 'has [their-read] and [their-sendfile] now: make prove MODES="their-read their-sendfile"' in done.stdout
    facts = [each for each, _ in config_file.read(path, frozenset())]
    assert [each.process for each in facts] == ["their-read", "their-read"]
    assert [(each.protocol, each.size_bytes) for each in facts] == [("raw", SIZE_BYTES)] * 2


def test_a_report_of_it_is_run_again_by_whoever_gives_the_command(lab: Path, tmp_path: Path) -> None:
    numbers = two_ports()
    line = f"make load MODES='their-read sendfile' COMMAND='evil' PROTOCOL=raw PORTS='{numbers[0]} {numbers[1]}'"
    line = line.replace("their-read", "their-read their-sendfile")
    report = bare_report(tmp_path, line)
    refused = run_here(reproduce.main, str(report), "--show=1")
    assert refused.returncode == 2 and "give COMMAND=evil" in refused.stderr
    trusted = run_here(reproduce.main, str(report), "--show=1", "--command", command(lab, *numbers))
    assert trusted.returncode == 0, trusted.stderr
    assert "PROTOCOL=raw" in trusted.stdout and f"PORTS='{numbers[0]} {numbers[1]}'" in trusted.stdout
