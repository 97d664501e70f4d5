"""make setup: an environment that heals itself and that nobody's settings reach; or one's own, which stays as it is."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from errors import UserError
from scripts import set_up
from tests.conftest import PROJECT, Once

NAME, VERSION = "zero-copy-bench-tiny", "1.0"
PINNED = f"{NAME}=={VERSION}"
NEEDED: tuple[str, ...] = ("Makefile", "errors.py", "interpreter.py", "knobs.py", "units.py")
NEEDED += tuple(f"scripts/{name}.py" for name in ("__init__", "make", "ownership", "set_up"))
# What would keep Python from starting, hide this project, or send packages elsewhere.
HOSTILE = {
    "PYTHONHOME": "/nonexistent", "PYTHONPATH": "/nonexistent", "PYTHONSAFEPATH": "1", "PYTHONOPTIMIZE": "2",
    "PIP_USER": "1", "PIP_TARGET": "elsewhere", "PIP_PREFIX": "elsewhere", "PIP_DRY_RUN": "1",
}  # fmt: skip


def wheel(folder: Path) -> Path:
    """A package with nothing in it but a module."""
    stem, info = f"zero_copy_bench_tiny-{VERSION}", f"zero_copy_bench_tiny-{VERSION}.dist-info"
    files = {
        "zero_copy_bench_tiny.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    sums = {
        name: base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        for name, text in files.items()
    }
    files[f"{info}/RECORD"] = "".join(f"{name},sha256={digest},\n" for name, digest in sums.items())
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize(("newest", "says"), [((9, 9), "is the index reached?"), ((3, 0), "up to Python 3.0, and")])
def test_what_cannot_be_installed_says_whether_this_python_may_be_too_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest: tuple[int, int], says: str
) -> None:
    monkeypatch.setattr(set_up, "NEWEST", newest)
    monkeypatch.setattr(set_up, "pip", lambda *_: False)
    monkeypatch.setattr(set_up, "_make", lambda _: None)
    with pytest.raises(UserError, match=re.escape(says)):
        set_up.set_up(tmp_path / "made", [PROJECT / "requirements.txt"])


def checkout(tree: Path) -> None:
    """What set-up needs of the project, and requirements that a folder of wheels meets."""
    for name in NEEDED:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, tree / name)
    (tree / "wheels").mkdir()
    digest = hashlib.sha256(wheel(tree / "wheels").read_bytes()).hexdigest()
    (tree / "requirements.in").write_text(f"# the least\n{PINNED}\n")
    (tree / "requirements.txt").write_text(f"{PINNED} \\\n    --hash=sha256:{digest}\n")


def environment(tree: Path, more: dict[str, str]) -> dict[str, str]:
    """Without pip's own settings, but for those that name the folder of wheels: in a file, with others."""
    config = tree / "pip.conf"
    install = "[install]\nuser = true\ntarget = far\n"
    config.write_text(f"[global]\nno-index = true\nfind-links =\n    {(tree / 'wheels').as_uri()}\n{install}")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PIP_", "MAKE"))}
    return kept | {"HOME": str(tree / "home"), "PIP_CONFIG_FILE": str(config)} | more


def make(tree: Path, *words: str, more: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    command = ["make", *words, f"PYTHON={sys.executable}"]
    return subprocess.run(
        command, cwd=tree, env=environment(tree, more or {}), capture_output=True, text=True, check=False, timeout=110
    )


def has_package(tree: Path, folder: str = ".venv") -> bool:
    command = ["sh", "-c", f"{folder}/bin/python -I -c 'import zero_copy_bench_tiny'"]
    return subprocess.run(command, cwd=tree, capture_output=True, check=False).returncode == 0


@pytest.fixture
def tree(tmp_path: Path, once: Once) -> Path:
    """A checkout that was set up elsewhere, by somebody with other plans for Python and pip, and then moved here."""

    def set_up(folder: Path) -> None:
        checkout(folder)
        done = make(folder, "setup", more=HOSTILE)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert done.stdout.startswith("setting up .venv with Python 3.") and has_package(folder)
        assert not [name for name in ("elsewhere", "far", "home/.local") if (folder / name).exists()]

    return shutil.copytree(once("set-up", set_up), tmp_path / "moved, ça va", symlinks=True)


def test_a_moved_checkout_needs_nothing(tree: Path) -> None:
    done = make(tree, "setup")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "") and has_package(tree)


@pytest.mark.slow
def test_what_is_pinned_anew_is_installed(tree: Path) -> None:
    (tree / ".venv" / "lib").joinpath(f"python3.{sys.version_info[1]}/site-packages/zero_copy_bench_tiny.py").unlink()
    for path in (tree / ".venv" / "lib").glob("python3*/site-packages/zero_copy_bench_tiny-*"):
        shutil.rmtree(path)
    with (tree / "requirements.txt").open("a") as file:
        file.write("# another revision\n")
    done = make(tree, "setup")
    assert (done.returncode, done.stdout) == (0, "") and has_package(tree)


def interpreter_gone(tree: Path) -> None:
    """As after the removal of a version of Python."""
    for path in (tree / ".venv" / "bin").glob("python*"):
        path.unlink()
        path.symlink_to("/nonexistent/python3")


def another_version(tree: Path) -> None:
    """As after `python3` has become another version: it starts, and does not find what was installed for the last."""
    (folder,) = (tree / ".venv" / "lib").glob("python3*")
    folder.rename(folder.with_name("python3.99"))


@pytest.mark.parametrize("harm", [interpreter_gone, pytest.param(another_version, marks=pytest.mark.slow)])
def test_an_environment_without_its_python_is_made_anew(tree: Path, harm: Callable[[Path], None]) -> None:
    harm(tree)
    assert not has_package(tree)
    done = make(tree, "setup")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("setting up .venv with Python")
    assert has_package(tree)


@pytest.mark.slow
def test_the_second_of_two_first_set_ups_waits(tmp_path: Path) -> None:
    checkout(tmp_path)
    command = ["make", "setup", f"PYTHON={sys.executable}"]
    both = [
        subprocess.Popen(
            command, cwd=tmp_path, env=environment(tmp_path, {}), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=110)[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert "".join(said).count("setting up .venv with Python") == 1 and has_package(tmp_path)


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A checkout with an environment of the user's own below it, whose name has a blank; it has no pip."""
    checkout(tmp_path)
    venv.create(tmp_path / "my own", symlinks=True)
    return tmp_path


def content(folder: Path) -> list[tuple[Path, int]]:
    return sorted((path, path.lstat().st_mtime_ns) for path in folder.rglob("*"))


def test_an_environment_of_ones_own_that_lacks_something_is_refused_and_stays(own: Path) -> None:
    before = content(own / "my own")
    done = make(own, "setup", "VENV=my own")
    assert done.returncode == 2 and done.stderr.startswith(
        f"error: my own was not made by make, and lacks {PINNED}: run `'my own/bin/python' -m pip install -r requir"
    )
    assert content(own / "my own") == before


def test_an_environment_of_ones_own_is_used_as_it_is(own: Path) -> None:
    (packages,) = (own / "my own" / "lib").glob("python3*/site-packages")
    with zipfile.ZipFile(next((own / "wheels").iterdir())) as archive:
        archive.extractall(packages)
    before = content(own / "my own")
    done = make(own, "setup", "VENV=my own")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    make(own, "clean", "VENV=my own")
    assert content(own / "my own") == before and not (own / ".venv").exists()


def test_an_environment_of_ones_own_without_its_python_is_refused_and_stays(own: Path) -> None:
    for path in (own / "my own" / "bin").glob("python*"):
        path.unlink()
    done = make(own, "setup", "VENV=my own")
    assert done.returncode == 2 and "my own has no bin/python that starts: remove it, or" in done.stderr
    assert (own / "my own" / "pyvenv.cfg").exists()


def test_settings_that_pip_cannot_read_are_one_line(tree: Path) -> None:
    (tree / "broken.conf").write_text("[global\n")
    (tree / ".venv" / ".ready").write_text("")
    done = make(tree, "setup", more={"PIP_CONFIG_FILE": str(tree / "broken.conf")})
    assert done.returncode == 2 and "error: pip cannot read its settings: " in done.stderr
    assert "Traceback" not in done.stderr
