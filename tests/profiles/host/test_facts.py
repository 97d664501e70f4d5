"""Facts about machine and file: known, or None; a file that is not what its digest says is refused."""

import hashlib
from pathlib import Path

import pytest

from errors import UserError
from profiles.host import facts, memory


def test_the_machine_is_known_where_it_can_be() -> None:
    found = facts.host_facts()
    assert found["cpus"] and found["memory_bytes"] and found["interface"] == "loopback"
    assert str(found["kernel"]).startswith("Linux ")
    assert found["mtu"] is None or int(str(found["mtu"])) > 0
    assert found["fsrm"] in ("yes", "no", None) and found["boot_id"] == facts.boot()


@pytest.mark.parametrize(
    ("cpuinfo", "fsrm"),
    [
        ("processor\t: 0\nflags\t\t: fpu erms fsrm\n", "yes"),
        ("flags\t\t: fpu erms fsrmx\n", "no"),
        ("Features\t: fp asimd\n", None),
        ("", None),
    ],
)
def test_fsrm_is_a_flag_of_x86_and_unknown_elsewhere(
    monkeypatch: pytest.MonkeyPatch, cpuinfo: str, fsrm: str | None
) -> None:
    monkeypatch.setattr(facts, "text_of", lambda path: cpuinfo if path == "/proc/cpuinfo" else None)
    assert facts.host_facts()["fsrm"] == fsrm


def test_memory_is_copied_at_some_speed() -> None:
    assert 0.05 < memory.copy_gib_per_s() < 1000


def test_a_file_that_was_just_written_is_resident(served: Path) -> None:
    found = facts.file_facts(served / "test-file.bin")
    content = (served / "test-file.bin").read_bytes()
    assert (found.size_bytes, found.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert found.resident_share_before == 1.0
    assert found.filesystem != "unknown"


def test_a_changed_file_is_refused(served: Path) -> None:
    with (served / "test-file.bin").open("r+b") as file:
        file.write(b"\0\0\0\0\0\0\0\0")
    with pytest.raises(UserError, match="is not what"):
        facts.file_facts(served / "test-file.bin")


def test_a_missing_file_or_digest_is_one_clear_line(served: Path) -> None:
    (served / "test-file.bin.sha256").unlink()
    with pytest.raises(UserError, match="make test-file"):
        facts.file_facts(served / "test-file.bin")
    (served / "test-file.bin").unlink()
    with pytest.raises(UserError, match="No such file"):
        facts.file_facts(served / "test-file.bin")
