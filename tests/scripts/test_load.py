"""`make load` as a user meets it: a whole tiny campaign, and every way in which one ends early."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from machine_lock import campaign_lock
from profiles.host import page_cache
from profiles.store.proof import Proof
from profiles.store.records import DeepProfile, Probe, Profile, Sample, Slice
from profiles.store.run_facts import Code
from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES, Once, eventually
from tests.load.locust_process import helpers_of
from tests.scripts.campaigns import SHORT_CELLS, Answers, Running, answers, command, command_line, folder, run

BOTH = ("read-send", "sendfile")
LITTLE_BYTES = 320 << 20
PROMISED = {
    *("round", "position", "mode", "wall_s", "received_bytes", "downloads", "failures"),
    *("server_user_s", "server_system_s", "server_cpu_s_per_gib", "client_cpu_s_per_gib", "gib_per_s"),
    *("voluntary_switches", "involuntary_switches", "minor_faults", "major_faults", "peak_rss_bytes"),
    *("steal_s", "sampler_cpu_s", "latency_p50_us", "latency_p99_us"),
}


@pytest.fixture(scope="session")
def tiny(once: Once) -> Path:
    """A folder with a test file and one tiny campaign over it, begun with none of the file in the page cache."""

    def campaign(served: Path) -> None:
        payload.make(served, SMALL_BYTES, lambda _: None)
        if page_cache.filesystem_of(served / payload.NAME).split(" ")[0] not in page_cache.MEMORY_FILE_SYSTEMS:
            page_cache.drop(served / payload.NAME)
        done = run(served, "--seed", "7", "--modes", "read-send", "sendfile")
        assert done.returncode == 0, done.stderr
        (served / "said").write_text(done.stdout)

    return once("tiny-campaign", campaign)


def rounds(served: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder(served).path / "rounds.jsonl").read_text().splitlines()]


def test_a_tiny_campaign_is_recorded_with_what_repeats_it(tiny: Path) -> None:
    record = folder(tiny).read_run()
    assert (record.state, record.seed, record.baseline, record.sink) == ("done", 7, "read-send", "discard")
    assert record.host["congestion_control"] in {"cubic", "reno", "bbr"}
    assert (record.file.resident_share_before, record.file.resident_share_after) == (1.0, 1.0)
    assert str(record.host["pinning"]).startswith(("load on CPU", "none ("))
    assert "WARM_UP=0.1 PROFILE=1" in record.command
    assert "SEED=7" in record.command and record.command.startswith("make load ")


def test_every_cell_has_what_was_promised(tiny: Path) -> None:
    record, lines = folder(tiny).read_run(), rounds(tiny)
    assert [(line["round"], line["position"]) for line in lines] == [(r, p) for r in (1, 2) for p in (1, 2)]
    assert tuple(tuple(line["mode"] for line in lines[r * 2 : r * 2 + 2]) for r in range(2)) == record.order
    for line in lines:
        assert set(line) >= PROMISED
        assert line["failures"] == 0 and line["server_cpu_s_per_gib"] > 0
        assert line["received_bytes"] == line["downloads"] * SMALL_BYTES > 0, "no download is cut"
        assert line["cpu_probe_us"] > 0 and line["idle_cores"] is not None
        assert line["resident_share"] == pytest.approx(1.0, abs=0.01), "a kernel may reclaim a page or two"
    facts = {fact.name for fact in record.metrics}
    assert {name for line in lines for name in line} - facts == {
        "round", "position", "mode", "started_s", "wall_s", "received_bytes", "downloads", "failures",
        "failure_names", "latency_histogram", "offered_bytes", "slices", "span_s",
    }  # fmt: skip


def test_every_cell_is_the_sum_of_its_slices_and_those_are_mirrored(tiny: Path) -> None:
    record, cells, slices = folder(tiny).read_run(), folder(tiny).read_cells(), folder(tiny).read(Slice)
    assert (record.slice_s, record.stopped) == (0.1, "the limit of 2 rounds") and record.sweeps >= 1
    for number, modes in enumerate(record.order, 1):
        of_round = [one for one in slices if one.round == number]
        assert [one.number for one in of_round] == list(range(1, 4 * record.sweeps + 1))
        names = [one.mode for one in of_round]
        assert tuple(names[:2]) == modes
        assert all(names[at : at + 2] == names[at + 2 : at + 4][::-1] for at in range(0, len(names), 4))
    for cell in cells:
        own = [one for one in slices if (one.round, one.mode) == (cell.round, cell.mode)]
        assert cell.slices == len(own) == 2 * record.sweeps
        assert cell.received_bytes == sum(one.received_bytes for one in own)
        assert all(one.received_bytes == one.cycles * record.users * SMALL_BYTES for one in own)
        assert cell.wall_s == pytest.approx(sum(one.wall_s for one in own))
        assert cell.metrics["server_cpu_s"] == pytest.approx(sum(one.server_cpu_s or 0 for one in own))
        assert all(one.span_s > one.wall_s > 0 for one in own)


def test_copies_are_proved_and_their_code_is_kept(tiny: Path) -> None:
    assert {piece.mode for piece in folder(tiny).read(Code)} == {None, *folder(tiny).read_run().modes}
    proofs = {proof.mode: proof for proof in folder(tiny).read(Proof)}
    assert {mode: round(proof.measured_copies or 0) for mode, proof in proofs.items()} == {
        "read-send": 2, "sendfile": 0,
    }  # fmt: skip


def test_each_mode_is_profiled_or_the_reason_is_kept(tiny: Path) -> None:
    modes = list(folder(tiny).read_run().modes)
    profiles = folder(tiny).read(Profile)
    assert [profile.cell.mode for profile in profiles] == modes
    for profile in profiles:
        assert (profile.svg is None) == (profile.reason is not None)
        if profile.raw:
            assert "send_file" in (folder(tiny).path / profile.raw).read_text()
    deep = folder(tiny).read(DeepProfile)
    assert [one.mode for one in deep] == modes
    for one in deep:
        assert (one.folded is None) == (one.reason is not None)
        if one.folded:
            assert "tcp_sendmsg_[k]" in (folder(tiny).path / one.folded).read_text()


def test_samples_and_a_page_are_left(tiny: Path) -> None:
    assert {"sendfile", "load", "machine", "sampler"} <= {sample.process for sample in folder(tiny).read(Sample)}
    page, said = tiny / "reports" / "tiny" / "index.html", (tiny / "said").read_text()
    assert str(page) in said and "sendfile" in said
    assert page.stat().st_size < 3_000_000


@pytest.mark.slow
def test_calibration_runs_the_baseline_twice_hides_its_duplicate_and_finds_the_floor(served: Path) -> None:
    """A real A/A run, on a machine that may be busy: the floor is known, however wide."""
    done = run(served, "--modes", "read-send", "--calibrate", "1", "--rounds", "6", "--window", "0.2", "--profile", "0")
    assert done.returncode == 0, done.stderr
    record = folder(served).read_run()
    assert record.duplicate == "read-send@again" and record.modes == ("read-send",)
    assert all(set(modes) == {"read-send", "read-send@again"} for modes in record.order)
    assert "CALIBRATE=1" in record.command
    assert "for two equals, in this run" in done.stdout
    table = done.stdout[: done.stdout.index("└")]
    assert "read-send" in table and "read-send@again" not in table
    kept = (served / "profiles" / "calibration.jsonl").exists()
    assert kept != ("the A/A check failed" in done.stdout)
    (probe,) = folder(served).read(Probe)
    assert (probe.users, probe.cell.mode) == (4, "read-send") and probe.cell.received_bytes > 0


REFUSED: dict[str, tuple[str, ...]] = {
    "the modes are": ("--modes", "nope"),
    "once per round": ("--modes", "sendfile", "sendfile"),
    "are the same: leave one out": ("--modes", "read-send@chunk=64KiB", "read-send@chunk=65536"),
    "has no option 'feathers'": ("--modes", "read-send", "read-send@feathers=1KiB"),
    "ROUNDS=0": ("--rounds", "0"),
    "ROUNDS='x'": ("--rounds", "x"),
    "USERS=0": ("--users", "0"),
    "WINDOW=nan": ("--window", "nan"),
    "PRECISION=2": ("--precision", "2"),
    "RETRIES=-1": ("--retries", "-1"),
    "SINK='drain'": ("--sink", "drain"),
    "RUN='../x'": ("--run", "../x"),
    "not among the modes": ("--baseline", "sendfile", "--modes", "read-send"),
    "MODE.NAME=SIZE": ("--option", "splice.chunk=4"),
    "is not a size": ("--option", "read-send.chunk=many"),
    "unrecognized arguments": ("--nonsense",),
    "give saturated, auto, both, or a rate": ("--pace", "fast"),
    "the lowest rate is 1KiB/s": ("--pace", "saturated 1/s"),
    "CACHE='frozen'": ("--cache", "frozen"),
    "USERS=4 cannot be divided among WORKERS=3": ("--workers", "3", "--users", "4"),
    "WORKERS=-1": ("--workers", "-1"),
    "say how many": ("--master", "127.0.0.1:5557"),
    "cannot reach servers": ("--workers", "1", "--master", "0.0.0.0:5557"),
    "give HOST:PORT": ("--workers", "1", "--master", "nowhere"),
    "leave out USERS, WARM_UP, PROFILE, WORKERS": ("--workers", "2", "--cache", "cold"),
    "measures one download by one user in each slice: leave out USERS": ("--cache", "cold", "--pace", "both"),
    "SECONDS=0: give a number from 1 to 86400": ("--seconds", "0"),
    "SLICE=0: give a number from 0.01": ("--slice", "0"),
    "QUICK='maybe'": ("--quick", "maybe"),
    "SIZE=0: give a size like 256MiB": ("--size", "0"),
    "PORTS='any': choose one of free, fixed": ("--ports", "any"),
    "give SIZE to `make agent` there": ("--agent", "127.0.0.1:1"),
}


@pytest.fixture(scope="module")
def refusals() -> Answers:
    sized = Path("nowhere"), "--size", "1KiB"  # whose file would be made
    return answers("load", {says: command(*sized, *more)[3:] for says, more in REFUSED.items()})


@pytest.mark.parametrize("says", REFUSED)
def test_wrong_usage_is_one_line_and_2(refusals: Answers, says: str) -> None:
    code, said = refusals[says]
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith("error: ") and says in said
    assert not (PROJECT / "nowhere").exists()


def test_while_another_campaign_runs_nothing_is_touched_and_it_is_named(tmp_path: Path) -> None:
    with campaign_lock("first"):
        done = run(tmp_path, "--size", "1KiB")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith(f"error: campaign first (process {os.getpid()}, for ")
    assert list(tmp_path.iterdir()) == []


SPOILED: dict[str, Callable[[Path], object]] = {
    "make test-file": lambda served: (served / "test-file.bin").unlink(),
    "is not what": lambda served: (served / "test-file.bin").write_bytes(b"other"),
    "cannot create": lambda served: (served / "profiles").write_text("a file"),
    "exists already": lambda served: (served / "profiles" / "tiny").mkdir(parents=True),
}


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    asked = {}
    for says, spoil in SPOILED.items():
        served = tmp_path_factory.mktemp("spoiled")
        payload.make(served, SMALL_BYTES, lambda _: None)
        spoil(served)
        asked[says] = command(served)[3:]
    return answers("load", asked)


@pytest.mark.parametrize("says", SPOILED)
def test_what_is_missing_is_one_line_and_1(spoiled: Answers, says: str) -> None:
    code, said = spoiled[says]
    assert code == 1
    (error,) = (line for line in said.splitlines() if not line.startswith("ROUNDS=2 gives no interval"))
    assert says in error


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_keeps_the_rounds_and_says_how_to_report_them(served: Path, number: int) -> None:
    running = Running(served)
    running.process.send_signal(number)
    running.process.send_signal(signal.SIGINT)  # of somebody impatient: it changes nothing
    code, said = running.end()
    assert code == 130
    assert said.startswith("interrupted.") and "`make report RUN=tiny`" in said
    assert running.folder.read_run().state == "interrupted"
    assert len(running.folder.read_cells()) >= 2
    report = ["--runs-folder", str(served / "profiles"), "--reports-folder", str(served / "reports")]
    done = subprocess.run([sys.executable, "-m", "reports", "tiny", *report], cwd=PROJECT, check=False)
    assert done.returncode == 0 and (served / "reports" / "tiny" / "index.html").exists()


@pytest.mark.slow
def test_a_terminal_that_closes_ends_the_run_in_order(served: Path) -> None:
    """All its output goes to the terminal, and writing there fails from then on."""
    controller, terminal = pty.openpty()
    words = command(served, *SHORT_CELLS, "--rounds", "500")
    process = subprocess.Popen(
        words, cwd=PROJECT, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(terminal)
    drained = threading.Thread(target=_drain, args=(controller, ended := threading.Event()))
    drained.start()
    try:
        eventually(lambda: len(folder(served).read_cells()) >= 2)
    finally:
        ended.set()
        drained.join()
        os.close(controller)
        try:
            assert process.wait(100) == 130
        finally:
            process.kill()
    record = folder(served).read_run()
    assert (record.state, record.ended_at is None) == ("interrupted", False)
    assert '"state": "interrupted"' in (folder(served).path / "run.json").read_text()
    eventually(lambda: not helpers_of(served))


def _drain(fd: int, ended: threading.Event) -> None:
    while not ended.is_set():
        if select.select([fd], [], [], 0.1)[0]:
            os.read(fd, 65536)


@pytest.mark.slow
def test_a_hang_up_is_ignored_where_nohup_says_so(served: Path) -> None:
    words = ["nohup", *command(served, "--rounds", "1", "--profile", "0", "--modes", "sendfile")]
    process = subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    eventually(lambda: bool(psutil.Process(process.pid).children()))
    process.send_signal(signal.SIGHUP)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said


@pytest.mark.slow
def test_a_load_whose_make_is_killed_ends_in_order(served: Path) -> None:
    knobs = ["MODES=read-send sendfile", "ROUNDS=500", "WINDOW=0.2", "PROFILE=0", "SIZE=1MiB", "RUN=tiny"]
    command_line = ["make", f"VENV={sys.prefix}", "load", f"OUT={served}", *knobs]
    make = subprocess.Popen(command_line, cwd=PROJECT, stderr=subprocess.DEVNULL)
    run = RunFolder(served / "profiles" / "out" / "tiny")
    eventually(lambda: len(run.read_cells()) >= 2)
    make.kill()
    make.wait()
    eventually(lambda: '"state": "interrupted"' in (run.path / "run.json").read_text())  # it ends in order
    eventually(lambda: not helpers_of(served / "data" / "1MiB"))


@pytest.mark.slow
def test_a_server_that_dies_voids_its_round_for_its_mode_alone(served: Path) -> None:
    """The other mode keeps its cell, and later rounds have both."""
    running = Running(served, "--window", "2")
    running.loaded_server("sendfile").kill()
    eventually(lambda: len(running.folder.read_cells()) >= 5)
    running.process.send_signal(signal.SIGINT)
    code, _ = running.end()
    assert code == 130
    (void,) = running.folder.read_run().voids
    assert void.mode == "sendfile" and "its server ended in the middle of a slice: " in void.reason
    rounds_of = {mode: {cell.round for cell in running.folder.read_cells() if cell.mode == mode} for mode in BOTH}
    assert void.round in rounds_of["read-send"] and void.round not in rounds_of["sendfile"]
    assert max(rounds_of["sendfile"]) > void.round
    assert void.round not in {one.round for one in running.folder.read(Slice) if one.mode == "sendfile"}


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A control group (cgroups(7)) with less memory than the test needs; its list of processes."""
    unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    group = Path("/sys/fs/cgroup", "" if unified else "memory", f"zero-copy-bench-test-{os.getpid()}")
    try:
        group.mkdir()
        (group / ("memory.max" if unified else "memory.limit_in_bytes")).write_text(str(LITTLE_BYTES))
    except OSError as error:
        if group.exists():
            group.rmdir()
        pytest.skip(f"no control group with a limit on memory can be made here: {error}")
    yield group / "cgroup.procs"
    eventually(lambda: not (group / "cgroup.procs").read_text())
    group.rmdir()


@pytest.mark.slow
def test_a_server_that_memory_is_too_short_for_says_so_with_the_limit(tmp_path: Path, little_memory: Path) -> None:
    """Eight users of read-whole need eight times the file."""
    payload.make(tmp_path, 64 << 20, lambda _: None)
    words = ["sh", "-c", 'echo $$ > "$1"; shift; exec "$@"', "sh", str(little_memory)]
    words += command(tmp_path, "--modes", "sendfile", "read-whole", "--users", "8", "--rounds", "1", "--profile", "0")
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 1, done.stderr
    why = "killed by SIGKILL for lack of memory: its control group is limited to 320 MiB; give more, or ask for fewer"
    assert why in done.stderr and not helpers_of(tmp_path)
    if folder(tmp_path).read_cells():
        assert why in folder(tmp_path).read_run().voids[0].reason


@pytest.mark.slow
def test_a_limit_of_time_that_no_round_fits_into_is_one_line(served: Path) -> None:
    done = run(served, "--modes", "read-send", "sendfile", "--window", "2", "--seconds", "1", "--profile", "0")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: SECONDS=1 is too short for one round of 2 modes, which takes ")
    assert "give SECONDS=" in last and "No round was completed" in last
    assert folder(served).read_run().state == "failed" and not folder(served).read_cells()
    assert not helpers_of(served)


@pytest.mark.slow
def test_a_campaign_ends_with_its_time(served: Path) -> None:
    more = ("--rounds", "500", "--seconds", "5", "--window", "0.2", "--profile", "0", "--precision", "0")
    done = run(served, "--modes", "read-send", "sendfile", *more)
    assert done.returncode == 0, done.stderr
    record = folder(served).read_run()
    assert (record.state, record.seconds) == ("done", 5.0) and "SECONDS=5" in record.command
    count = len(record.order)
    assert record.stopped == f"the time of 5 s was up after {count} round{'s' * (count != 1)}"


@pytest.mark.slow
def test_an_agent_that_is_killed_ends_the_run_and_its_servers(served: Path) -> None:
    running = Running(served)
    running.child("profiles.agent").kill()
    code, said = running.end()
    assert code == 1
    assert "the agent does not answer" in said and "complete and kept" in said
    assert (served / "reports" / "tiny" / "index.html").exists()  # a failed run has its report, too


@pytest.mark.slow
def test_users_that_have_no_room_are_refused_beforehand(served: Path) -> None:
    """At the servers, then at the load, which needs a descriptor for each user of each mode."""
    tight = (("64", "200", "a server takes 6 connections here"), ("200", "20", "open files are needed here, and 200"))
    for limit, users, says in tight:
        modes = ("--modes", *(f"sendfile@chunk={size}KiB" for size in range(64, 76))) if limit == "200" else ()
        words = ["bash", "-c", 'ulimit -n "$1"; shift; exec "$@"', "bash", limit]
        words += command(served, "--users", users, "--rounds", "1", "--profile", "0", *modes)
        done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 2, done.stderr
        assert f"USERS={users} does not fit: " in done.stderr and says in done.stderr and "ulimit -n" in done.stderr
        assert not folder(served).path.exists()


@pytest.mark.slow
def test_a_file_that_is_overwritten_in_mid_campaign_is_said_however_the_campaign_ends(served: Path) -> None:
    """With as many other bytes and its old times, as `cp -p` can do."""
    running, file = Running(served), served / "test-file.bin"
    times = file.stat()
    with file.open("r+b") as out:
        out.write(b"other bytes")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    running.process.send_signal(signal.SIGINT)
    assert running.end()[0] == 130
    facts = running.folder.read_run().file
    assert facts.changed is True and facts.rewritten is False


@pytest.mark.slow
def test_a_kill_of_the_load_leaves_no_process_and_whole_records(served: Path) -> None:
    """What is lost is the round in progress."""
    running = Running(served)
    running.kill()
    record, cells, slices = running.folder.read_run(), running.folder.read_cells(), running.folder.read(Slice)
    assert record.state == "interrupted" and "ended without a word" in (record.reason or "")
    assert '"state": "running"' in (running.folder.path / "run.json").read_text(), "what it wrote last"
    complete = {cell.round for cell in cells}
    assert complete == {one.round for one in slices} and len(cells) == 2 * len(complete)
    assert len(record.order) - len(complete) <= 1
    for name in ("rounds.jsonl", "slices.jsonl"):
        assert (running.folder.path / name).read_text().endswith("}\n")


@pytest.mark.slow
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
    _, said = process.communicate(timeout=100)
    if process.returncode == 1 and "does not serve" in said:
        return  # the file was gone before the probe: also said, also 1
    assert process.returncode == 1, said
    why = f"wrong length: 5 bytes are announced, but the file has {SMALL_BYTES}"
    assert "failures in round 1, sendfile" in said and why in said
    (cell,) = other.read_cells()
    assert cell.failures > 0 and set(cell.failure_names) == {why}
    assert (served / "reports" / "shorter" / "index.html").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rounds", "limits", "code", "outcomes"),
    [
        ("2", ["sendfile/read-send<=100"], 3, ["unclear: sendfile/read-send: "]),
        ("6", ["sendfile/read-send<=100"], 0, ["pass: sendfile/read-send: "]),
        ("7", ["sendfile/read-send<=0.001", "sendfile/read-send<=100"], 1, ["regression: ", "pass: "]),
    ],
)
def test_limits_between_modes_are_judged_by_the_command_that_measures(
    served: Path, rounds: str, limits: list[str], code: int, outcomes: list[str]
) -> None:
    done = run(served, *SHORT_CELLS, "--rounds", rounds, "--max", *limits)
    assert done.returncode == code, done.stderr
    assert all(f"\n{said}" in done.stdout for said in outcomes)
    assert ("ROUNDS=2 gives no interval and no verdict" in done.stderr) == (rounds == "2")
    assert "MAX=" in folder(served).read_run().command
