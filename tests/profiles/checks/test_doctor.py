"""The doctor tries, and says what to do about what is missing."""

import os
import stat
from pathlib import Path

import pytest

from profiles.checks import doctor
from profiles.checks.doctor import features


def test_every_feature_is_tried_and_says_something() -> None:
    found = features()
    assert [feature.name for feature in found][:3] == ["py-spy", "perf", "strace"]
    assert all(feature.text for feature in found)
    assert all(";" in feature.text or ":" in feature.text for feature in found if feature.state == "missing")


def fake(folder: Path, name: str, says: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.parametrize(
    ("says", "state", "text"),
    [
        ("Error: Permission Denied: run it as root", "missing", "ermi"),
        ("ptrace: Operation not permitted", "missing", "ermi"),
        ("Error: Failed to find python version", "failed", "try again: "),
        ("Segmentation fault", "failed", "ended with Segmentation fault"),
        ("", "failed", "exit code 3"),
    ],
)
@pytest.mark.parametrize("name", ["py-spy", "perf", "strace"])
def test_a_try_that_failed_is_no_missing_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str, state: str, text: str
) -> None:
    program = fake(tmp_path, name, says)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(doctor, "find_py_spy", lambda: str(program) if name == "py-spy" else None)
    (found,) = (feature for feature in features() if feature.name == name)
    assert found.state == state and text in found.text


def test_a_program_that_cannot_be_started_is_a_failed_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = fake(tmp_path, "py-spy", "")
    program.write_text("#!/no/such/interpreter\n")
    monkeypatch.setattr(doctor, "find_py_spy", lambda: str(program))
    assert features()[0].state == "failed"


def test_what_is_not_installed_is_missing_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(doctor, "find_py_spy", lambda: None)
    states = {feature.name: feature for feature in features()}
    for name, remedy in (("py-spy", "make setup"), ("perf", "linux-perf"), ("strace", "Debian: strace")):
        assert states[name].state == "missing" and remedy in states[name].text
