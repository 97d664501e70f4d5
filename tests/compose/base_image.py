"""A stand-in for the base image of the Dockerfile, made from this machine, where no registry can be asked.

Its rule: the Dockerfile is built as users build it who give another base, and the build needs no network. So the image
holds what a slim Python image has (a shell, the core utilities, Python with pip) and the wheels that
requirements.txt pins; where to find them stands in its pip.conf, and their hashes are checked all the same.
"""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from errors import UserError
from tests.compose.engine import KEPT, Engine
from tests.conftest import PROJECT

NAME, TAG = "stand-in-for-python", "slim"
PROGRAMS = (
    "bash cat chmod chown cp cut env grep head id install kill ln ls mkdir mktemp mv printf rm sed sh sleep stat tail "
    "timeout touch tr uname wc"
)
# What wheels expect every machine to have (PEP 600).
LIBRARIES = (
    "libc.so.6 libdl.so.2 libgcc_s.so.1 libm.so.6 libpthread.so.0 libresolv.so.2 librt.so.1 libstdc++.so.6 libutil.so.1"
)
LEFT_OUT = {"__pycache__", "site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "lib2to3"}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/pip.conf": "[global]\nno-index = true\nfind-links = /wheels\n",
}
_FROM_LDD = re.compile(r"(?:=> )?(/\S+) \(0x")


def load_into(engine: Engine) -> None:
    """Make the image, see that it runs, and let the engine's clients build upon it. Raises UserError."""
    with tempfile.TemporaryFile() as archive:
        write(archive, fetch_wheels(KEPT / "wheels"))
        archive.seek(0)
        engine.ask("POST", f"/images/create?fromSrc=-&repo={NAME}&tag={TAG}", archive)
    engine.try_out(f"{NAME}:{TAG}", ["python", "-m", "pip", "--version"])
    engine.env["BASE_IMAGE"] = f"{NAME}:{TAG}"


def fetch_wheels(folder: Path) -> Path:
    """Put the wheels that requirements.txt pins, for this Python, into the folder; none is fetched twice."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    command += ["--only-binary", ":all:", "--find-links", str(folder), "--dest", str(folder)]
    command += ["--requirement", str(PROJECT / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise UserError(f"pip cannot fetch what requirements.txt pins: {done.stderr.strip().splitlines()[-1]}")
    return folder


def write(archive: IO[bytes], wheels: Path) -> None:
    """The root file system, as a tar archive for `docker import`; everything in it belongs to root."""
    with tarfile.open(fileobj=archive, mode="w|", dereference=True) as tar:
        for folder in ("etc", "root", "tmp", "usr/bin", "usr/lib", "usr/lib64", "usr/local/bin", "var/tmp"):
            _add(tar, tarfile.TarInfo(folder), tarfile.DIRTYPE, mode=0o1777 if folder.endswith("tmp") else 0o755)
        for name in ("bin", "lib", "lib64"):
            _link(tar, name, f"usr/{name}")
        for name, text in FILES.items():
            _add(tar, tarfile.TarInfo(name), tarfile.REGTYPE, text.encode())
        for path, place in _python():
            tar.add(path, place, recursive=False, filter=_as_root)
        for program in PROGRAMS.split():
            tar.add(_found(program), f"usr/bin/{program}", recursive=False, filter=_as_root)
        for library in sorted(_libraries()):
            tar.add(library, _merged(library), recursive=False, filter=_as_root)
        for wheel in sorted(wheels.glob("*.whl")):
            tar.add(wheel, f"wheels/{wheel.name}", recursive=False, filter=_as_root)
        _link(tar, "usr/local/bin/python3", _executable().name)
        _link(tar, "usr/local/bin/python", _executable().name)


def _python() -> Iterator[tuple[Path, str]]:
    """This Python, and the pip of this environment, with their places in /usr/local."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sys.base_prefix) / "lib" / version
    yield _executable(), f"usr/local/bin/{_executable().name}"
    yield from _tree(library, f"usr/local/lib/{version}", LEFT_OUT)
    site = Path(sys.prefix) / "lib" / version / "site-packages"
    for folder in (site / "pip", *site.glob("pip-*.dist-info")):
        yield from _tree(folder, f"usr/local/lib/{version}/site-packages/{folder.name}", {"__pycache__"})


def _tree(root: Path, place: str, left_out: set[str]) -> Iterator[tuple[Path, str]]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in left_out and not name.startswith("config-"))
        for name in sorted(names):
            path = Path(folder) / name
            yield path, f"{place}/{path.relative_to(root)}"


def _executable() -> Path:
    return Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}").resolve()


def _libraries() -> set[str]:
    """The shared libraries of the programs, and of Python and its modules, by the names that the loader asks for."""
    modules = (path for path, _ in _python() if ".so" in path.name)
    wanted = [*(_found(program) for program in PROGRAMS.split()), _executable(), *modules]
    listed = subprocess.run(["ldd", *map(str, wanted)], capture_output=True, text=True, check=False, timeout=120)
    return set(_FROM_LDD.findall(listed.stdout)) | set(_of_the_loader(LIBRARIES.split()))


def _of_the_loader(names: Iterable[str]) -> Iterator[str]:
    """Where ldconfig(8) knows these libraries."""
    known = subprocess.run([_found("ldconfig"), "-p"], capture_output=True, text=True, check=True, timeout=30).stdout
    for name in names:
        yield re.findall(rf"{re.escape(name)} .*=> (\S+)", known)[0]


def _found(program: str) -> Path:
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if found is None:
        raise FileNotFoundError(f"{program}: not on this machine")
    return Path(found).resolve()


def _merged(library: str) -> str:
    """Its place where /lib is a link to /usr/lib, and Python's own libraries are among the system's."""
    if Path(library).is_relative_to(sys.base_prefix) and sys.base_prefix != "/usr":
        return f"usr/lib/{PurePosixPath(library).name}"
    place = PurePosixPath(os.path.normpath(library)).relative_to("/")
    return str(place if place.parts[0] == "usr" else "usr" / place)


def _add(tar: tarfile.TarFile, info: tarfile.TarInfo, kind: bytes, content: bytes = b"", mode: int = 0o644) -> None:
    info.type, info.mode, info.size = kind, mode, len(content)
    tar.addfile(info, io.BytesIO(content))


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.linkname = target
    _add(tar, info, tarfile.SYMTYPE, mode=0o777)


def _as_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
