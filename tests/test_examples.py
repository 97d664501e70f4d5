"""Every server of examples/targets.toml serves our file, and does with its bytes what its name says."""

import shutil
import tempfile
from pathlib import Path

import pytest

from profiles.checks.doctor import external_targets
from profiles.checks.prove_mode import prove
from profiles.protocol import Start
from profiles.store.sending import disagreement, sentence, way
from profiles.targets import config_file
from profiles.targets.catalog import Target
from profiles.targets.external_server import serving
from servers import payload
from tests.conftest import PROJECT, SMALL_BYTES
from tests.download import digest_of

EXAMPLES = PROJECT / "examples"


def targets(file: Path) -> dict[str, Target]:
    found = config_file.read(file, frozenset({"sendfile", "read-send"}))
    return {facts.name: Target(facts, external=external) for facts, external in found}


EVERY = targets(EXAMPLES / "targets.toml")
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
    "webfs": (0, 0),
    "node": (1, 1),
    "java-transfer": (1, 1),  # OutputStream is no channel of a socket: FileChannelImpl.transferToArbitraryChannel
    "java-buffer": (1, 1),
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


def digest_from(target: Target, root: Path) -> str:
    with serving(target, root, Start(target.name, any_port=True)) as server:
        return digest_of(server.port)


@pytest.mark.parametrize("name", ["nginx-sendfile", "lighttpd-sendfile"])
@pytest.mark.parametrize("folder", ["a blank", "$uri#;\n\t}", "{here} \\ {", 'it\'s "ç"'])
def test_an_example_runs_in_a_folder_of_any_name(
    name: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkout, what is served and the temporary folders lie there."""
    installed(name)
    odd = tmp_path / folder
    odd.mkdir()
    for path in filter(Path.is_file, EXAMPLES.glob("*.*")):
        shutil.copy(path, odd)
    payload.make(odd, SMALL_BYTES, lambda _: None)
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    expected = payload.digest_path(odd / payload.NAME).read_text().split()[0]
    assert digest_from(targets(odd / "targets.toml")[name], odd) == expected


@pytest.mark.parametrize("name", ["nginx-sendfile", "lighttpd-sendfile", "http-server"])
def test_an_example_serves_a_folder_that_was_given_as_a_relative_one(
    name: str, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, expected = installed(name), payload.digest_path(served / payload.NAME).read_text().split()[0]
    monkeypatch.chdir(served.parent)
    assert digest_from(target, Path(served.name)) == expected


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
        assert (way(proof), disagreement(proof)) == ("read" if reading else "sendfile", None), sentence(proof)
