"""The doctor tries, and says what to do about what is missing."""

import pytest

from profiles.checks import doctor
from profiles.checks.doctor import features


def test_every_feature_is_tried_and_says_something() -> None:
    found = features()
    assert [feature.name for feature in found][:3] == ["py-spy", "perf", "strace"]
    assert all(feature.text for feature in found)
    assert all(";" in feature.text or ":" in feature.text for feature in found if feature.state == "missing")


def test_what_is_not_installed_is_missing_and_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    monkeypatch.setattr(doctor, "find_py_spy", lambda: None)
    states = {feature.name: feature for feature in features()}
    for name, remedy in (("py-spy", "make setup"), ("perf", "linux-perf"), ("strace", "Debian: strace")):
        assert states[name].state == "missing" and remedy in states[name].text
