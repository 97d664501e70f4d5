"""`make load` as a user meets it: a whole tiny campaign, and every way in which one ends early."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from profiles.store.run_folder import RunFolder
from tests.conftest import PROJECT, eventually

TINY = ["--rounds", "2", "--window", "0.3", "--warm-up", "0.1", "--profile", "1", "--users", "2", "--any-port"]
TINY += ["--retries", "0"]  # a machine that runs other tests is never calm
PROMISED = {
    *("round", "position", "mode", "wall_s", "received_bytes", "downloads", "failures"),
    *("server_user_s", "server_system_s", "server_cpu_s_per_gib", "client_cpu_s_per_gib", "gib_per_s"),
    *("voluntary_switches", "involuntary_switches", "minor_faults", "major_faults", "peak_rss_bytes"),
    *("steal_s", "sampler_cpu_s", "latency_p50_us", "latency_p99_us"),
}


def command(served: Path, *more: str) -> list[str]:
    out = ["--root", str(served), "--profiles", str(served / "profiles"), "--reports", str(served / "reports")]
    return [sys.executable, "-m", "scripts.load", *TINY, *out, "--run", "tiny", *more]


def run(served: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(served, *more), cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)


def folder(served: Path) -> RunFolder:
    return RunFolder(served / "profiles" / "tiny")


def test_a_tiny_campaign_goes_the_whole_way(served: Path) -> None:
    done = run(served, "--seed", "7", "--modes", "read-send", "sendfile")
    assert done.returncode == 0, done.stderr
    record = folder(served).read_run()
    assert (record.state, record.seed, record.baseline, record.sink) == ("done", 7, "read-send", "discard")
    assert record.host["congestion_control"] in {"cubic", "reno", "bbr"}
    assert (record.file.resident_share_before, record.file.resident_share_after) == (1.0, 1.0)
    assert str(record.host["pinning"]).startswith(("load on CPU", "none ("))
    assert "WARM_UP=0.1 PROFILE=1" in record.command
    assert "SEED=7" in record.command and record.command.startswith("make load ")

    lines = [json.loads(line) for line in (folder(served).path / "rounds.jsonl").read_text().splitlines()]
    assert [(line["round"], line["position"]) for line in lines] == [(r, p) for r in (1, 2) for p in (1, 2)]
    assert tuple(tuple(line["mode"] for line in lines[r * 2 : r * 2 + 2]) for r in range(2)) == record.order
    for line in lines:
        assert set(line) >= PROMISED
        assert line["failures"] == 0 and line["received_bytes"] > 0 and line["server_cpu_s_per_gib"] > 0
        assert line["wall_s"] >= 0.3
        assert line["cpu_probe_us"] > 0
    facts = {fact.name for fact in record.metrics}
    assert {name for line in lines for name in line} - facts == {
        "round", "position", "mode", "started_s", "wall_s", "received_bytes", "downloads", "failures",
        "failure_names", "latency_histogram", "offered_bytes",
    }  # fmt: skip

    assert {piece.mode for piece in folder(served).read_code()} == {None, *record.modes}
    proofs = {proof.mode: proof for proof in folder(served).read_proofs()}
    assert {mode: round(proof.measured_copies or 0) for mode, proof in proofs.items()} == {
        "read-send": 2, "sendfile": 0,
    }  # fmt: skip

    profiles = folder(served).read_profiles()
    assert [profile.cell.mode for profile in profiles] == list(record.modes)
    for profile in profiles:
        assert (profile.svg is None) == (profile.reason is not None)
        if profile.raw:
            assert "send_file" in (folder(served).path / profile.raw).read_text()
    deep = folder(served).read_deep()
    assert [one.mode for one in deep] == list(record.modes)
    for one in deep:
        assert (one.folded is None) == (one.reason is not None)
        if one.folded:
            assert "tcp_sendmsg_[k]" in (folder(served).path / one.folded).read_text()
    assert {"sendfile", "load", "machine", "sampler"} <= {sample.process for sample in folder(served).read_samples()}

    page = served / "reports" / "tiny" / "index.html"
    assert str(page) in done.stdout and "sendfile" in done.stdout
    assert page.stat().st_size < 3_000_000


def test_calibration_runs_the_baseline_twice_hides_its_duplicate_and_finds_the_floor(served: Path) -> None:
    """A real A/A run, on a machine that may be busy: the floor is known, however wide."""
    done = run(served, "--modes", "read-send", "--calibrate", "1", "--rounds", "6", "--window", "0.2", "--profile", "0")
    assert done.returncode == 0, done.stderr
    record = folder(served).read_run()
    assert record.duplicate == "read-send-again" and record.modes == ("read-send",)
    assert all(set(modes) == {"read-send", "read-send-again"} for modes in record.order)
    assert "CALIBRATE=1" in record.command
    assert "for two equals, in this run" in done.stdout
    table = done.stdout[: done.stdout.index("└")]
    assert "read-send" in table and "read-send-again" not in table
    kept = (served / "profiles" / "calibration.jsonl").exists()
    assert kept != ("the A/A check failed" in done.stdout)
    (probe,) = folder(served).read_probes()
    assert (probe.users, probe.cell.mode) == (4, "read-send") and probe.cell.received_bytes > 0


REFUSED: dict[str, tuple[str, ...]] = {
    "the modes are": ("--modes", "nope"),
    "once per round": ("--modes", "sendfile", "sendfile"),
    "ROUNDS=0": ("--rounds", "0"),
    "invalid int value": ("--rounds", "x"),
    "USERS=0": ("--users", "0"),
    "WINDOW=nan": ("--window", "nan"),
    "PRECISION=2": ("--precision", "2"),
    "RETRIES=-1": ("--retries", "-1"),
    "invalid choice: 'drain'": ("--sink", "drain"),
    "no name for a folder": ("--run", "../x"),
    "not among the modes": ("--baseline", "sendfile", "--modes", "read-send"),
    "MODE.NAME=SIZE": ("--option", "sendfile.chunk=4"),
    "is not a size": ("--option", "read-send.chunk=many"),
    "unrecognized arguments": ("--nonsense",),
    "give saturated, auto, both, or a rate": ("--pace", "fast"),
    "the lowest rate is 1KiB/s": ("--pace", "saturated 1/s"),
    "invalid choice: 'frozen'": ("--cache", "frozen"),
    "measures one download by one user in each cell: leave out USERS": ("--cache", "cold", "--pace", "both"),
}


@pytest.fixture(scope="module")
def refusals() -> dict[str, tuple[int, str]]:
    """Exit code and standard error of each, from one process of its own: scripts.load imports locust."""
    ask = """if True:
        import contextlib, io, json, sys
        from errors import run_command
        from scripts import load
        answers = {}
        for says, arguments in json.loads(sys.argv[1]).items():
            sys.argv[1:] = arguments
            with contextlib.redirect_stderr(io.StringIO()) as stderr:
                try:
                    run_command(load.main)
                except SystemExit as end:
                    answers[says] = end.code, stderr.getvalue()
        print(json.dumps(answers))"""
    asked = json.dumps({says: command(Path("nowhere"), *more)[3:] for says, more in REFUSED.items()})
    done = subprocess.run(
        [sys.executable, "-c", ask, asked], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=55
    )
    answers: dict[str, tuple[int, str]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize("says", REFUSED)
def test_wrong_usage_is_one_line_and_2(refusals: dict[str, tuple[int, str]], says: str) -> None:
    code, said = refusals[says]
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith("error: ") and says in said
    assert not (PROJECT / "nowhere").exists()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda served: (served / "test-file.bin").unlink(), "make test-file"),
        (lambda served: (served / "test-file.bin").write_bytes(b"other"), "is not what"),
        (lambda served: (served / "profiles").write_text("a file"), "cannot create"),
        (lambda served: (served / "profiles" / "tiny").mkdir(parents=True), "exists already"),
    ],
)
def test_what_is_missing_is_one_line_and_1(served: Path, spoil: Callable[[Path], object], says: str) -> None:
    spoil(served)
    done = run(served)
    assert done.returncode == 1
    assert says in done.stderr and done.stderr.count("\n") == 1, done.stderr


SHORT_CELLS = ["--modes", "read-send", "sendfile", "--window", "0.2", "--warm-up", "0", "--profile", "0"]


class Running:
    """A campaign that would go on for a long while."""

    def __init__(self, served: Path, *more: str, cells: int = 2) -> None:
        self.process = subprocess.Popen(
            command(served, *SHORT_CELLS, "--rounds", "500", *more),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.folder = folder(served)
        eventually(lambda: len(self.folder.read_cells()) >= cells)
        self.started = psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> tuple[int, str]:
        """Exit code and last line; asserts that nothing that was started is left."""
        try:
            _, said = self.process.communicate(timeout=60)
        finally:
            self.process.kill()
        eventually(lambda: not any(child.is_running() and child.status() != "zombie" for child in self.started))
        return self.process.returncode, said.strip().splitlines()[-1]

    def child(self, module: str) -> psutil.Process:
        found: list[psutil.Process] = []

        def there() -> bool:
            children = psutil.Process(self.process.pid).children(recursive=True)
            found[:] = [child for child in children if module in command_line(child)]
            return bool(found)

        eventually(there)
        return found[0]


def command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_the_rounds_and_says_how_to_report_them(served: Path, number: int) -> None:
    running = Running(served)
    running.process.send_signal(number)
    code, said = running.end()
    assert code == 130
    assert said.startswith("interrupted.") and "`make report RUN=tiny`" in said
    assert running.folder.read_run().state == "interrupted"
    assert len(running.folder.read_cells()) >= 2
    report = ["--profiles", str(served / "profiles"), "--reports", str(served / "reports")]
    done = subprocess.run([sys.executable, "-m", "reports", "tiny", *report], cwd=PROJECT, check=False)
    assert done.returncode == 0 and (served / "reports" / "tiny" / "index.html").exists()


def test_a_server_that_dies_in_mid_cell_ends_the_run_with_its_name(served: Path) -> None:
    running = Running(served)
    running.child("servers").kill()
    code, said = running.end()
    assert code == 1
    assert said.startswith("error: ") and "complete and kept" in said
    assert running.folder.read_run().state == "failed"


def test_an_agent_that_is_killed_ends_the_run_and_its_servers(served: Path) -> None:
    running = Running(served)
    running.child("profiles.agent").kill()
    code, said = running.end()
    assert code == 1
    assert "the agent does not answer" in said and "complete and kept" in said


def test_a_kill_of_the_load_leaves_no_process_and_whole_records(served: Path) -> None:
    running = Running(served)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.communicate()
    eventually(lambda: not any(child.is_running() and child.status() != "zombie" for child in running.started))
    assert running.folder.read_run().state == "running"
    assert len(running.folder.read_cells()) >= 2


def test_failures_in_the_load_are_exit_code_1_and_stand_in_the_records(served: Path) -> None:
    """The file is replaced by a shorter one while it is served: every later download has the wrong length."""
    process = subprocess.Popen(
        command(served, "--rounds", "1", "--window", "2", "--modes", "sendfile", "--profile", "0", "--run", "shorter"),
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    other = RunFolder(served / "profiles" / "shorter")
    eventually(lambda: bool(other.path.exists() and other.path.joinpath("run.json").exists()))
    eventually(lambda: bool(psutil.Process(process.pid).children(recursive=True)))
    (served / "short").write_bytes(b"short")
    eventually(lambda: any("servers" in command_line(c) for c in psutil.Process(process.pid).children(recursive=True)))
    (served / "short").rename(served / "test-file.bin")
    _, said = process.communicate(timeout=60)
    if process.returncode == 1 and "does not serve" in said:
        return  # the file was gone before the probe: also said, also 1
    assert process.returncode == 1, said
    assert "failures in round 1, sendfile" in said and "WrongLengthError" in said
    (cell,) = other.read_cells()
    assert cell.failures > 0 and set(cell.failure_names) == {"WrongLengthError"}
