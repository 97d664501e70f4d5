"""Make the environment that commands run in: python -m scripts.set_up FOLDER REQUIREMENTS...

Its rule: what make did not make is never changed. Ours has a file, .ready, that says by digest what was installed; it
is made anew when its Python has gone. Somebody's own (VENV=) is used where it has what requirements*.in name, and
refused with what it lacks. Whoever comes second waits for the first. It needs nothing but the standard library.
"""

import ast
import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UsageError, UserError, remedy, run_command
from scripts.ownership import give_to_owner

READY = ".ready"
NEWEST = (3, 14)  # Python for which all that is pinned has wheels
# What tells pip where packages come from, and how to fetch them. All else, like user or target, is meant for others.
_PIP_PASSES = re.compile(
    r"PIP_((EXTRA_)?INDEX_URL|NO_INDEX|FIND_LINKS|TRUSTED_HOST|(CLIENT_)?CERT|PROXY|(DEFAULT_)?TIMEOUT"
    r"|(RESUME_)?RETRIES|KEYRING_PROVIDER|(NO_)?CACHE_DIR)"
)
_NAMED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)$", re.MULTILINE)


def main() -> int:
    parser = CommandParser(prog="python -m scripts.set_up", description=__doc__)
    parser.add_argument("folder", type=Path, help="the environment")
    parser.add_argument("requirements", type=Path, nargs="+", help="what is to be in it, pinned with hashes")
    parser.add_argument("--optional", action="store_true", help="there may be no wheels here for the last of these")
    arguments = parser.parse_args()
    set_up(arguments.folder, arguments.requirements, arguments.optional)
    return EXIT_DONE


def set_up(folder: Path, requirements: Sequence[Path], optional: bool = False) -> None:
    """Raises UserError where it cannot be made, UsageError where it is somebody's own and lacks something."""
    if _is_own(folder):
        _check_own(folder, requirements)
    elif _missing(folder, requirements):
        with _alone(folder):
            for path in _missing(folder, requirements):  # whoever came first may have installed it
                _install(folder, path, optional and path == requirements[-1])
            give_to_owner(folder)


def _is_own(folder: Path) -> bool:
    """Whether somebody else made it."""
    return folder.is_dir() and not (folder / READY).exists() and any(folder.iterdir())


def _check_own(folder: Path, requirements: Sequence[Path]) -> None:
    if not _runs_this(folder):
        raise UsageError(f"{folder} has no bin/python that starts: remove it, or give another environment with VENV=")
    for path in requirements:
        named = _NAMED.findall(path.with_suffix(".in").read_text())
        if lacking := [f"{name}=={version}" for name, version in named if _installed(name) != version]:
            what = f"{folder} was not made by make, and lacks {', '.join(lacking)}"
            raise UsageError(f"{what}: run `{shlex.quote(f'{folder}/bin/python')} -m pip install -r {path}`")


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _runs_this(folder: Path) -> bool:
    """Whether this process is the environment's own Python."""
    return folder.is_dir() and Path(sys.prefix).samefile(folder)


def _usable(folder: Path) -> bool:
    """Whether its Python starts, and finds its packages: those of another version it would not."""
    return importlib.util.find_spec("pip") is not None if _runs_this(folder) else _starts(folder)


def _starts(folder: Path) -> bool:
    command = [str(folder.absolute() / "bin/python"), "-I", "-c", "import pip"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _missing(folder: Path, requirements: Sequence[Path]) -> list[Path]:
    """Those of the requirements that it does not have as they are now."""
    try:
        said = (folder / READY).read_text().splitlines() if _usable(folder) else []
    except OSError:
        said = []
    return [path for path in requirements if _line(path) not in said]


def _line(requirements: Path) -> str:
    return f"{hashlib.sha256(requirements.read_bytes()).hexdigest()}  {requirements}"


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else sets up an environment beside it meanwhile; its parent's lock leaves no file (flock(2))."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UserError(f"cannot make {folder}: {error.strerror}; {remedy(error)} with VENV=") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another make is setting up {folder}: waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _install(folder: Path, requirements: Path, optional: bool) -> None:
    if not _starts(folder):
        _make(folder)
    wheels = ["--only-binary", ":all:"] if optional else []
    if not pip(folder, "install", "-qq", *wheels, "--require-hashes", "-r", str(requirements)) and not optional:
        raise UserError(f"pip could not install {requirements} into {folder}, as said above; {_perhaps()}")
    ready = folder / READY
    kept = [line for line in ready.read_text().splitlines() if not line.endswith(f"  {requirements}")]
    ready.write_text("".join(f"{line}\n" for line in (*kept, _line(requirements))))


def _perhaps() -> str:
    if sys.version_info[:2] <= NEWEST:
        return "is the index reached?"
    known, ours = (".".join(map(str, version)) for version in (NEWEST, sys.version_info[:2]))
    return f"their wheels are known up to Python {known}, and this is {ours}: give PYTHON=python{known}, or older"


def _make(folder: Path) -> None:
    """An empty environment, in place of a broken one."""
    print(f"setting up {folder} with Python {sys.version.split()[0]} (once)", flush=True)
    if importlib.util.find_spec("ensurepip") is None:
        raise UserError(f"{sys.executable} makes no virtual environments: install python3-venv, or give PYTHON=")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir()
        (folder / READY).touch()  # it is ours from now on, also when this is interrupted
        venv.create(folder, symlinks=True, with_pip=True)
    except OSError as error:
        raise UserError(f"cannot make {folder}: {error.strerror}; {remedy(error)} with VENV=") from error
    except subprocess.CalledProcessError as error:
        said = (error.output or b"").decode(errors="replace").strip().splitlines() or ["it printed nothing"]
        raise UserError(f"ensurepip could not install pip into {folder}: {said[-1]}") from error


def pip(folder: Path, *words: str) -> bool:
    """Run an environment's pip; whether it succeeded. Raises UserError where its settings cannot be read."""
    python = str(folder.absolute() / "bin/python")
    command = [python, "-I", "-m", "pip", "--disable-pip-version-check", *words]
    return subprocess.run(command, env=_pip_environment(python), check=False).returncode == 0


def _pip_environment(python: str) -> dict[str, str]:
    """This environment, with those of pip's settings that we let pass, from its files and its variables."""
    others = {name: text for name, text in os.environ.items() if not name.startswith("PIP_")}
    named = {name: text for name, text in os.environ.items() if name == "PIP_CONFIG_FILE"}
    command = [python, "-I", "-m", "pip", "config", "list"]
    asked = subprocess.run(command, env=others | named, capture_output=True, text=True, check=False)
    if asked.returncode:
        said = asked.stderr.strip().splitlines() or ["it printed nothing"]
        raise UserError(f"pip cannot read its settings: {said[-1].removeprefix('ERROR: ')}")
    own = {name: text for name, text in os.environ.items() if _PIP_PASSES.fullmatch(name)}
    return others | _of_files(asked.stdout) | own | {"PIP_CONFIG_FILE": os.devnull}


def _of_files(listed: str) -> dict[str, str]:
    """Variables that say what lines like global.index-url='…' do; those of [install] come after those of [global]."""
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines()):
        key, _, text = line.partition("=")
        section, _, setting = key.partition(".")
        name = "PIP_" + setting.upper().replace("-", "_")
        if section in ("global", "install") and _PIP_PASSES.fullmatch(name):
            found[name] = str(ast.literal_eval(text))
    return found


if __name__ == "__main__":
    run_command(main)
