"""Adding a data path, a metric or a section of the report is one file: each is added to a copy of the project and met
everywhere where a user meets it."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from profiles.store.run_folder import RunFolder
from servers import payload
from tests.conftest import SMALL_BYTES
from tests.copied import copy_project

NEW = "temporary-path"
OTHER_MODES_KEPT = ("read_send",)  # the fewer there are, the sooner doctor is done

METRIC = """
METRICS += (_gauge("temporary_gauge", "descriptors", "open descriptors", lambda r: r.process.num_fds()),)
"""
SECTION = '''
"""A section that a test adds."""
from markupsafe import Markup
TITLE = "A temporary section"
ORDER = 42
def render(run):
    return Markup(f"<p>of {len(run.measured.modes)} modes</p>")
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which three files were added or changed, and a folder to serve."""
    tree = tmp_path_factory.mktemp("project")
    copy_project(tree)
    modes = tree / "servers" / "modes"
    mode = (modes / "sendfile.py").read_text().replace('name="sendfile"', f'name="{NEW}"').replace("8082", "8199")
    for path in modes.glob("[a-z]*.py"):
        if path.stem not in OTHER_MODES_KEPT:
            path.unlink()
    (modes / f"{NEW.replace('-', '_')}.py").write_text(mode)
    with (tree / "profiles" / "metrics.py").open("a") as file:
        file.write(METRIC)
    (tree / "reports" / "sections" / "temporary.py").write_text(SECTION)
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
    run(project, "-m", "scripts.load", "--modes", NEW, "read-send", *quick, "--run", "one-file")
    return project


def page(campaign: Path) -> str:
    return (campaign / "reports" / "out" / "one-file" / "index.html").read_text()


def stored(campaign: Path) -> RunFolder:
    return RunFolder(campaign / "profiles" / "out" / "one-file")


def test_a_mode_is_listed_and_tried(project: Path) -> None:
    assert f"{NEW} (8199)" in re.sub(r"\s+", " ", run(project, "-m", "servers", "--help"))
    assert re.search(rf"{NEW} +│ available", run(project, "-m", "scripts.doctor"))
    assert re.search(rf"{NEW} +│ available +│ 0\.00", run(project, "-m", "scripts.prove", "--modes", NEW))


def test_a_mode_has_users_of_its_own(project: Path) -> None:
    assert "TemporaryPathUser" in run(project, "-m", "locust", "-f", "locustfile.py", "--list")


def test_a_mode_is_served(project: Path) -> None:
    command = [sys.executable, "-m", "servers", NEW, "--port", "0"]
    with subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            _, name, port, _ = server.stdout.readline().split()
            assert name == NEW
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/test-file.bin", timeout=30) as answer:
                assert answer.read() == (project / "data" / "test-file.bin").read_bytes()
        finally:
            server.terminate()


def test_a_mode_is_loaded_measured_and_reported_with_its_picture(campaign: Path) -> None:
    cells = {cell.mode: cell for cell in stored(campaign).read_cells()}
    assert cells[NEW].downloads > 0 and (cells[NEW].metrics["server_cpu_s_per_gib"] or 0) > 0
    assert f">{NEW}: 2 copies of every byte: 0 by the CPU, 2 by DMA" in page(campaign)
    assert "0 in the model, 0.00 measured (0.00 of reading, 0.00 of sending): confirmed." in page(campaign)


def test_a_metric_is_measured_kept_with_its_unit_and_reported(campaign: Path) -> None:
    (facts,) = (metric for metric in stored(campaign).read_run().metrics if metric.name == "temporary_gauge")
    assert facts.unit == "descriptors"
    assert all((cell.metrics["temporary_gauge"] or 0) > 3 for cell in stored(campaign).read_cells())
    assert "open descriptors" in page(campaign)


def test_a_section_is_on_the_page(campaign: Path) -> None:
    assert "A temporary section" in page(campaign) and "<p>of 2 modes</p>" in page(campaign)
