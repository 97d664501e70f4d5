"""Who may import whom. Rooms know no more of each other than the design says, and a measured process imports little."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ROOMS = ("servers", "load", "profiles", "reports", "scripts")
LEAVES = ("errors", "units", "knobs", "interpreter", "ports", "machine_lock")  # what every room may know
# Which packages and modules of the project the files of a folder may import.
MAY_IMPORT = {
    "servers": ("servers",),
    "servers/modes": ("servers.mode", "servers.mechanisms"),
    "profiles": ("profiles", "servers.mode", "servers.discovery", "servers.payload"),
    "load": (
        "load",
        "profiles.store",
        "profiles.targets",
        "profiles.protocol",
        "profiles.open_metrics",
        "profiles.scratch",
        "profiles.agent.access",
        "reports.analysis",
    ),
    "reports": ("reports", "profiles.store"),
    "reports/analysis": (
        "reports.analysis",
        "profiles.store.records",
        "profiles.store.run_facts",
        "profiles.store.proof",
    ),
}
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


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_room_imports_what_it_may(folder: str) -> None:
    assert python_files(folder)
    assert not [
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in python_files(folder)
        for name in sorted(ours(path))
        if not within(name, (*MAY_IMPORT[folder], *LEAVES))
    ]


def test_servers_need_nothing_but_httptools() -> None:
    assert {name for path in python_files("servers") for name in foreign(path)} <= {"httptools"}
    assert not {name for path in python_files("servers/modes") for name in foreign(path)}


def test_the_analysis_is_pure() -> None:
    """Records in, numbers and sentences out: nothing that reads files or draws."""
    assert {name for path in python_files("reports/analysis") for name in foreign(path)} <= {"hdrh"}


def test_a_package_imports_nothing_by_itself() -> None:
    assert not [path for room in ROOMS for path in python_files(room) if path.name == "__init__.py" and ours(path)]


def test_leaves_know_only_each_other() -> None:
    for leaf in LEAVES:
        path = PROJECT / f"{leaf}.py"
        assert {top(name) for name in imports(path)} <= set(sys.stdlib_module_names) | set(LEAVES)


@pytest.mark.parametrize("path", python_files("scripts"), ids=lambda path: path.name)
def test_a_script_calls_into_one_room(path: Path) -> None:
    """Beside it, it may name what was recorded and what can be measured: facts, which do nothing."""
    facts = ("scripts", "profiles.store", "profiles.targets.catalog", "profiles.targets.variants", *LEAVES)
    acting = {name for name in ours(path) if not within(name, facts)}
    assert len({top(name) for name in acting}) <= 1, acting


def test_nobody_imports_or_starts_scripts_or_the_locustfile_or_tests() -> None:
    for path in [PROJECT / "locustfile.py", *(path for room in ROOMS for path in python_files(room))]:
        forbidden = ("tests",) if path.parent.name == "scripts" else ("scripts", "tests")
        assert not [name for name in ours(path) if within(name, (*forbidden, "locustfile"))], path
        started = [
            node.value
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("scripts.")
        ]
        assert not started or path.parent.name == "scripts", (path, started)


def test_the_locustfile_is_an_index_of_load() -> None:
    path = PROJECT / "locustfile.py"
    if path.exists():
        assert {top(name) for name in ours(path)} <= {"load", *LEAVES}


def test_load_alone_imports_locust() -> None:
    for room in set(ROOMS) - {"load"}:
        for path in python_files(room):
            assert not foreign(path) & set(ALONE_WITH_LOCUST), path


def test_no_test_patches_the_process_of_all_others() -> None:
    """What needs locust is tested from outside, or in a process of its own (tests/load/test_beside_locust.py). Says
    something of all that pytest collected beside this, so of every test in `make test`."""
    assert "locust" not in sys.modules
