"""Who may import whom. Rooms know no more of each other than the design says, and a measured process imports little."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ROOMS = ("servers", "load", "profiles", "reports", "scripts")
# What several modes share: how memory, pipes and rings are made and given back, and not what is done with them.
MECHANISMS = (
    "servers.mechanisms.buffers",
    "servers.mechanisms.mapping",
    "servers.mechanisms.pipes",
    "servers.mechanisms.tls",
    "servers.mechanisms.uring",
    "servers.mechanisms.zerocopy",
)
# The pure part of reports, which decides what a round is worth: load asks it, and nothing else of that room.
_PURE = ("core_speed", "paired", "limits", "disturbance", "measured", "precision", "floor")
ARITHMETIC = tuple(f"reports.{name}" for name in _PURE)
# And its sentences, for the page that shows a campaign under way: what it says is what the report will say.
SENTENCES = tuple(f"reports.{name}" for name in ("gates", "text", "unequal", "verdict"))
LEAVES = ("errors", "units")  # one error type and the units of sizes: every room may know them
RECORDS = (
    "profiles.store.records",
    "profiles.store.run_folder",
    "profiles.store.sweep_folder",
)  # what is stored of a run, and where
ALONE_WITH_LOCUST = ("locust", "gevent")  # importing locust monkey-patches the process


def python_files(room: str) -> list[Path]:
    return sorted((PROJECT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports anywhere in it; `from a import b` is a.b where that is a module of ours."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: name the room, instead of a relative import"
            module = node.module or ""
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield inner if is_module(inner) else module


def is_module(name: str) -> bool:
    path = PROJECT / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def top(name: str) -> str:
    return name.split(".")[0]


def ours(path: Path) -> set[str]:
    """What a file imports of the project."""
    return {name for name in imports(path) if top(name) in (*ROOMS, *LEAVES, "tests", "locustfile")}


def foreign(path: Path) -> set[str]:
    """The packages that a file imports which are neither ours nor the standard library's."""
    return {top(name) for name in imports(path)} - set(sys.stdlib_module_names) - {top(name) for name in ours(path)}


def within(name: str, allowed: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(one + ".") for one in allowed)


def not_allowed(room: str, *allowed: str) -> list[str]:
    return [
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in python_files(room)
        for name in sorted(ours(path))
        if not within(name, (room, *LEAVES, *allowed))
    ]


def test_servers_know_no_other_room() -> None:
    assert not_allowed("servers") == []


def test_servers_need_nothing_but_httptools() -> None:
    assert {name for path in python_files("servers") for name in foreign(path)} <= {"httptools"}


def test_a_mode_knows_what_a_mode_is_and_mechanisms() -> None:
    modes = [path for path in python_files("servers/modes") if path.name != "__init__.py"]
    assert modes
    for path in modes:
        assert ours(path) <= {"servers.mode", *MECHANISMS}, path
        assert not foreign(path), path


def test_profiles_know_the_facts_of_modes() -> None:
    assert not_allowed("profiles", "servers.mode") == []


def test_load_knows_records_targets_and_how_to_talk_to_the_agent() -> None:
    """And the arithmetic of the reports, so that what stops a campaign or drops a round is what the report says."""
    known = (*RECORDS, *(f"profiles.{name}" for name in ("targets", "protocol", "agent_access", "calibration")))
    assert not_allowed("load", *known, *ARITHMETIC, *SENTENCES) == []
    outside_the_page = [path for path in python_files("load") if path.parent.name != "web"]
    assert not [path for path in outside_the_page if any(within(name, SENTENCES) for name in ours(path))]


def test_the_arithmetic_that_load_knows_is_pure() -> None:
    """Records in, numbers out: nothing that reads files, draws, or has an opinion on wording."""
    for module in ARITHMETIC:
        path = PROJECT / Path(*module.split(".")).with_suffix(".py")
        assert {
            name for name in ours(path) if not within(name, ("profiles.store.records", *ARITHMETIC, *LEAVES))
        } == set()
        assert not foreign(path)


def test_the_sentences_that_the_page_knows_are_made_of_nothing_else() -> None:
    for module in SENTENCES:
        path = PROJECT / Path(*module.split(".")).with_suffix(".py")
        known = ("profiles.store.records", *ARITHMETIC, *SENTENCES, *LEAVES)
        assert {name for name in ours(path) if not within(name, known)} == set()
        assert not foreign(path)


def test_reports_know_records() -> None:
    assert not_allowed("reports", *RECORDS) == []


def test_leaves_know_only_each_other() -> None:
    for leaf in LEAVES:
        path = PROJECT / f"{leaf}.py"
        assert {top(name) for name in imports(path)} <= set(sys.stdlib_module_names) | set(LEAVES)


@pytest.mark.parametrize("path", python_files("scripts"), ids=lambda path: path.name)
def test_a_script_calls_into_one_room(path: Path) -> None:
    """Beside it, it may name what was recorded and what can be measured: facts, which do nothing."""
    facts = ("scripts", *RECORDS, "profiles.targets.catalog", *LEAVES)
    acting = {name for name in ours(path) if not within(name, facts)}
    assert len({top(name) for name in acting}) <= 1, acting


def test_nobody_imports_scripts_or_the_locustfile_or_tests() -> None:
    for path in [PROJECT / "locustfile.py", *(path for room in ROOMS for path in python_files(room))]:
        if path.exists():
            forbidden = ("locustfile", "tests") if path.parent.name == "scripts" else ("scripts", "locustfile", "tests")
            assert not [name for name in ours(path) if within(name, forbidden)], path


def test_the_locustfile_is_an_index_of_load() -> None:
    path = PROJECT / "locustfile.py"
    if path.exists():
        assert {top(name) for name in ours(path)} <= {"load", *LEAVES}


def test_load_alone_imports_locust() -> None:
    for room in set(ROOMS) - {"load"}:
        for path in python_files(room):
            assert not foreign(path) & set(ALONE_WITH_LOCUST), path


def test_no_test_patches_the_process_of_all_others() -> None:
    """What needs locust is tested from outside, or in a process of its own (tests/load/test_beside_locust.py)."""
    collect = "import sys, pytest; sys.exit(pytest.main(['--collect-only', '-qq']) or 'locust' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", collect], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
