"""A data path, a metric, a section of the report and a knob are added in one place each: what
docs/adding-a-data-path.md shows is added to a copy of the project, and found wherever a user would look."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from profiles.contract.checks import CHECKS
from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.copied import copy_project

DOCUMENT = PROJECT / "docs" / "adding-a-data-path.md"
NEW = "pread-send"
OTHER_MODES_KEPT = ("read_send", "sendfile")  # the fewer there are, the sooner doctor is done
METRICS_BEGIN = "METRICS: tuple[Metric, ...] = (\n"
KNOBS_BEGIN = "_ROWS = (\n"
_LAST_LINE = re.compile(r"^    raise NotImplementedError.*\n\Z", re.MULTILINE)


def shown(heading: str) -> str:
    """The code that the document shows below a heading."""
    section = DOCUMENT.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return section.partition("```python\n")[2].partition("```")[0]


def add_row(path: Path, begin: str, row: str) -> None:
    """Put a row at the begin of a table."""
    text = path.read_text()
    assert begin in text
    path.write_text(text.replace(begin, begin + row))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project to which everything that the document shows was added, and a folder to serve."""
    tree = tmp_path_factory.mktemp("project")
    copy_project(tree)
    modes = tree / "servers" / "modes"
    for path in modes.glob("[a-z]*.py"):
        if path.stem not in OTHER_MODES_KEPT:
            path.unlink()
    run(tree, "-m", "scripts.lab", "--name", NEW)
    written = (tree / "lab" / "pread_send.py").read_text()
    (modes / "pread_send.py").write_text(_LAST_LINE.sub(lambda _: shown("A data path"), written))
    add_row(tree / "profiles" / "metrics" / "process.py", METRICS_BEGIN, shown("A metric of a process"))
    add_row(tree / "knobs.py", KNOBS_BEGIN, shown("A knob"))
    (tree / "reports" / "sections" / "how_many.py").write_text(shown("A section of the report"))
    (tree / "data").mkdir()
    payload.make(tree / "data", SMALL_BYTES, lambda _: None)
    return tree


def run(project: Path, *command: str) -> str:
    """What it printed; it must succeed."""
    done = subprocess.run(
        [sys.executable, *command], cwd=project, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def campaign(project: Path) -> Path:
    """The project after a campaign over the new mode."""
    quick = ("--rounds", "1", "--window", "0.2", "--warm-up", "0.1", "--profile", "0", "--users", "1", "--any-port")
    run(project, "-m", "scripts.load", "--root", "data", "--modes", NEW, "read-send", *quick, "--run", "one-file")
    return project


def page(campaign: Path) -> str:
    return (campaign / "reports" / "out" / "one-file" / "index.html").read_text()


def stored(campaign: Path) -> RunFolder:
    return RunFolder(campaign / "profiles" / "out" / "one-file")


def test_a_mode_is_listed_and_tried(project: Path) -> None:
    assert f"{NEW} (8097)" in re.sub(r"\s+", " ", run(project, "-m", "servers", "--help"))
    assert re.search(rf"{NEW} +│ available", run(project, "-m", "scripts.doctor"))
    assert re.search(rf"{NEW} +│ available +│ 2\.00", run(project, "-m", "scripts.prove", "--modes", NEW))


def test_a_mode_has_users_of_its_own(project: Path) -> None:
    assert "PreadSendUser" in run(project, "-m", "locust", "-f", "locustfile.py", "--list")


def test_a_mode_is_served(project: Path) -> None:
    command = [sys.executable, "-m", "servers", NEW, "--port", "0", "--root", "data"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            _, name, port, _ = server.stdout.readline().split()
            assert name == NEW
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/test-file.bin", timeout=30) as answer:
                assert answer.read() == (project / "data" / "test-file.bin").read_bytes()
        finally:
            server.terminate()


@pytest.mark.slow
def test_a_mode_passes_every_check_and_the_race(project: Path) -> None:
    said = run(project, "-m", "scripts.lab_check", "--name", NEW, "--root", "data")
    checks = re.findall(r"^  ok      (.+)$", said, re.MULTILINE)
    assert checks[: len(CHECKS)] == [check.what for check in CHECKS.values()] and "FAILED" not in said
    assert checks[len(CHECKS) :] == ["its proof can be made", "it does what its model says: 2 copies by the CPU"]
    assert f"{NEW}: about " in said and "server CPU per GiB of sendfile (exploratory, 6 rounds)" in said


@pytest.mark.slow
def test_a_mode_is_loaded_measured_and_reported_with_its_picture(campaign: Path) -> None:
    cells = {cell.mode: cell for cell in stored(campaign).read_cells()}
    assert cells[NEW].downloads > 0 and (cells[NEW].metrics["server_cpu_s_per_gib"] or 0) > 0
    assert f">{NEW}: 4 copies of every byte: 2 by the CPU, 2 by DMA" in page(campaign)
    assert "2 in the model, 2.00 measured (1.00 of reading, 1.00 of sending): confirmed." in page(campaign)


@pytest.mark.slow
def test_a_metric_is_measured_kept_with_its_unit_and_reported(campaign: Path) -> None:
    (facts,) = (metric for metric in stored(campaign).read_run().metrics if metric.name == "descriptors")
    assert facts.unit == "descriptors"
    assert all((cell.metrics["descriptors"] or 0) > 3 for cell in stored(campaign).read_cells())
    assert "open descriptors" in page(campaign)


@pytest.mark.slow
def test_a_section_is_on_the_page(campaign: Path) -> None:
    assert "How many modes" in page(campaign) and "<p>2 modes were measured.</p>" in page(campaign)


def test_a_knob_is_listed_and_checked(project: Path) -> None:
    assert "NICE              priority of the servers, as nice(1) has it [make load]" in run(
        project, "-m", "scripts.make", "help"
    )
    wrong = subprocess.run(
        [sys.executable, "-m", "scripts.load", "--nice=20"],
        cwd=project, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert wrong.returncode == 2 and "NICE=20: give a whole number from 0 to 19" in wrong.stderr
