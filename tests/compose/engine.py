"""A private Docker engine for the test of docker-compose.yml.

Its rule: the machine stays as it is. Debian's packages are unpacked below build/ and not installed. The engine lives in
namespaces of its own (unshare(1): network, mounts, processes), so that its bridges, mounts and containers end with it,
however it ends; nothing in it reaches a network, and nothing outside is reached by its ports but through inside(). Its
packet filter is that of its namespace, so that it keeps its networks apart as any other engine does.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import psutil

from errors import UserError
from tests.conftest import PROJECT

KEPT = PROJECT / "build" / "compose"  # what is fetched once: packages and wheels; `make clean` removes it
START_S, END_S = 120.0, 60.0
PACKAGES = ("docker.io", "iproute2")
NEEDED = ("unshare", "setpriv", "nsenter", "dpkg-deb", "apt-get")
# An empty /run: a containerd of this machine, which dockerd would make use of, is not seen. docker-init is process 1
# there, and reaps what containers leave.
IN_NAMESPACES = 'mount -t tmpfs none /run && ip link set lo up && exec docker-init -- "$@"'


def why_not() -> str | None:
    """Why no engine can be started here; None where one can be tried."""
    if os.geteuid() != 0:
        return "only root can start an engine of its own"
    missing = [program for program in NEEDED if shutil.which(program) is None]
    return f"no {', '.join(missing)} on this machine" if missing else None


class Engine:
    """A running engine. env: what its clients need. Raises UserError when it cannot be had."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._group = f"bench-engine-{os.getpid()}"
        self.socket = folder / "s"
        self.env = {"DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(folder)}
        self._log = (folder / "log").open("w+b")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
             "--mount-proc", "sh", "-c", IN_NAMESPACES, "sh", *self._command()],
            env=_with_programs(), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _command(self) -> list[str]:
        places = {"data-root": "d", "exec-root": "x", "pidfile": "p"}
        return [
            "dockerd", "--ip6tables=false", "--exec-opt", "native.cgroupdriver=cgroupfs",
            "--cgroup-parent", f"/{self._group}", "--host", f"unix://{self.socket}",
            *(f"--{name}={self._folder / place}" for name, place in places.items()),
        ]  # fmt: skip

    def _wait(self) -> None:
        deadline_s = time.monotonic() + START_S
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/_ping") == b"OK":
                    return
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise UserError(f"no engine could be started: {self.last_stderr_line()}")
            time.sleep(0.1)

    def last_stderr_line(self) -> str:
        self._log.seek(0)
        return " ".join(self._log.read().decode(errors="replace").splitlines()[-1:]) or "it said nothing"

    def ask(self, method: str, path: str, content: IO[bytes] | bytes | None = None) -> bytes:
        """An answer of the engine's API; content is JSON, or a tar archive in a file. Raises OSError or HTTPException
        where there is no answer, UserError for a no."""
        kind = "application/json" if isinstance(content, bytes) else "application/x-tar"
        with contextlib.closing(_Connection(self.socket)) as connection:
            connection.request(method, path, content, {"Content-Type": kind} if content else {})
            response = connection.getresponse()
            answer = response.read()
        if response.status >= 300 or b'"error"' in answer:
            raise UserError(f"the engine refuses {method} {path}: {answer.decode(errors='replace').strip()}")
        return answer

    def try_out(self, image: str, command: list[str]) -> None:
        """Run it in a container, which is what not every machine lets an engine do. Raises UserError."""
        wanted = json.dumps({"Image": image, "Cmd": command}).encode()
        made = json.loads(self.ask("POST", "/containers/create", wanted))["Id"]
        try:
            self.ask("POST", f"/containers/{made}/start")
            code = json.loads(self.ask("POST", f"/containers/{made}/wait"))["StatusCode"]
        finally:
            self.ask("DELETE", f"/containers/{made}?force=1")
        if code != 0:
            raise UserError(f"{' '.join(command)} exits with {code} in a container of {image}")

    def inside(self, *command: str) -> list[str]:
        """The command line that runs a command where the engine's ports are."""
        return ["nsenter", "--net", f"--target={self._daemon().pid}", *command]

    def _daemon(self) -> psutil.Process:
        return psutil.Process(self._process.pid).children()[0]

    def close(self) -> None:
        """End it and all its containers; remove what it wrote."""
        with contextlib.suppress(psutil.NoSuchProcess, IndexError):
            self._daemon().terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()  # and with it, by --kill-child, process 1 of its namespace, and so all of them
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder)
        for group in Path("/sys/fs/cgroup").glob(f"**/{self._group}"):
            for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                folder.rmdir()
            group.rmdir()


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=300)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


@contextlib.contextmanager
def running() -> Iterator[Engine]:
    """An engine for as long as the block runs. Raises UserError when it cannot be had."""
    reason = why_not()
    if reason:
        raise UserError(reason)
    engine = Engine(Path(tempfile.mkdtemp(prefix="bench-engine-")))  # short: a socket's path has 107 bytes at most
    try:
        yield engine
    finally:
        engine.close()


def _with_programs() -> Mapping[str, str]:
    """The environment in which dockerd is found: of this machine, else unpacked from Debian's packages."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if shutil.which("dockerd", path=path):
        return {**os.environ, "PATH": path}
    root = KEPT / "engine"
    if not root.exists():
        _unpack(root)
    own = ":".join(str(root / place) for place in ("usr/sbin", "usr/bin", "sbin", "bin"))
    libraries = next((root / "usr" / "lib").glob("*-linux-gnu*"))
    places = {"LD_LIBRARY_PATH": str(libraries), "XTABLES_LIBDIR": str(libraries / "xtables")}
    return {**os.environ, **places, "PATH": f"{own}:{path}"}


def _unpack(root: Path) -> None:
    """Fetch the packages that this machine lacks, and put their files below root, all or none."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as scratch:
        archives, lists = Path(scratch, "archives"), Path(scratch, "lists")
        for folder in (archives, lists):
            (folder / "partial").mkdir(parents=True)
        own = ["-qq", "-o", f"Dir::Cache::archives={archives}", "-o", "APT::Sandbox::User=root"]
        install = ["-y", "--no-install-recommends", "--download-only", "-o", "Debug::NoLocking=1", "install", *PACKAGES]
        done = _apt_get(*own, *install)
        if done.returncode != 0:  # a machine that knows no packages yet: lists of our own
            own += ["-o", f"Dir::State::lists={lists}"]
            _apt_get(*own, "update")
            done = _apt_get(*own, *install)
        if done.returncode != 0:
            raise UserError(f"apt-get cannot fetch {' '.join(PACKAGES)}: {' '.join(done.stderr.split())}")
        for package in archives.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", str(package), f"{scratch}/root"], check=True, timeout=120)
        for name in ("iptables", "ip6tables"):  # for the names of services; their packages leave the choice to a script
            with contextlib.suppress(FileExistsError):
                Path(scratch, "root", "usr", "sbin", name).symlink_to(f"{name}-nft")
        Path(scratch, "root").rename(root)


def _apt_get(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["apt-get", *arguments], capture_output=True, text=True, check=False, timeout=300)
