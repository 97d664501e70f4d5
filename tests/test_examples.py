"""Every server of examples/targets.toml serves our file, and does with its bytes what its name says."""

import shutil
from pathlib import Path

import pytest

from profiles.checks.doctor import external_targets
from profiles.checks.prove_mode import prove
from profiles.targets import config_file
from profiles.targets.catalog import Target
from tests.conftest import PROJECT

EXAMPLES = PROJECT / "examples"
EVERY = {
    facts.name: Target(facts, external=external)
    for facts, external in config_file.read(EXAMPLES / "targets.toml", frozenset({"sendfile", "read-send"}))
}
# CPU copies of every byte, of reading and of sending.
COPIES = {
    "nginx-sendfile": (0, 0),
    "nginx-read": (1, 1),
    "nginx-threads": (0, 0),
    "lighttpd-sendfile": (0, 0),
    "lighttpd-write": (1, 1),
    "caddy": (0, 0),
    "http-server": (1, 1),
    "aiohttp-sendfile": (0, 0),
    "aiohttp-read": (1, 1),
    "starlette": (1, 1),
    "gunicorn-sendfile": (0, 0),
    "gunicorn-read": (1, 1),
}


def installed(name: str) -> Target:
    """The target; skips the test where its program is not installed."""
    target = EVERY[name]
    assert target.external
    program = target.external.placeholders(Path(), "", 0, Path()).expand(target.external.command[0])
    if shutil.which(program) is None and shutil.which(f"/usr/sbin/{program}") is None:
        pytest.skip(f"{Path(program).name} is not installed" + ("; see `make examples`" if "venv" in program else ""))
    return target


def test_every_example_is_tested() -> None:
    assert list(EVERY) == list(COPIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", COPIES)
def test_an_example_runs_and_does_what_its_name_says(name: str, served: Path) -> None:
    target = installed(name)
    (feature,) = external_targets([target])
    assert feature.state == "available", feature.text
    proof = prove(target, served)
    assert (proof.state, proof.reason) == ("available", None)
    reading, sending = COPIES[name]
    if proof.by_reference_share is None:
        assert "whether bytes go by reference (" in (proof.unknown or "")
    else:
        assert proof.by_reference_share == pytest.approx(1 - sending, abs=0.05)
    if proof.read_copies is None:
        assert "how it reads (" in (proof.unknown or "")
    else:
        assert proof.read_copies == pytest.approx(reading, abs=0.05)
