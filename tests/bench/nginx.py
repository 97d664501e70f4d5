"""nginx as an opponent at its best: one worker, no access log, and the settings that cost it least here.

Its rule: it faces what our servers face. It gets its listening socket from here (the environment variable NGINX, by
which it hands sockets on when it is upgraded in place), with the congestion control that ours choose, since it has no
directive for that on this system. What is chosen, and why:

- tcp_nopush on: full packets only, until the answer ends. By far the most important for sendfile on loopback.
- sendfile_max_chunk 0: no break after 2 MiB; here nobody else waits for the worker.
- output_buffers 1 256k, for `sendfile off`: the size of our own buffer; the default of 2 32k costs a third more.
- open_file_cache: nothing is opened, stat'ed and closed per request. Ours keeps a connection's last file open and asks
  at every request whether its path still leads to it, so there is a path without the cache too.
- keepalive_requests, keepalive_timeout: a connection is never closed.
"""

import contextlib
import ctypes
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from errors import UserError
from servers import sockets
from tests.bench.processes import Server, bound, ended

START_TIMEOUT_S = 15.0
_CACHE = "open_file_cache max=16; open_file_cache_valid 1h;"
_SENDFILE = "sendfile on; tcp_nopush on; sendfile_max_chunk 0;"
PATHS = {
    "sendfile on": f"{_SENDFILE} {_CACHE}",
    "sendfile on, no open_file_cache": _SENDFILE,
    "sendfile off": f"sendfile off; output_buffers 1 256k; {_CACHE}",
}
_CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; {user}
events {{ worker_connections 4096; }}
http {{
    access_log off; default_type application/octet-stream; keepalive_requests 1000000000; keepalive_timeout 1h;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {directives}
    server {{ listen 127.0.0.1:{port} backlog=4096; root {root}; }}
}}
"""
_PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None)


def find() -> str | None:
    """The program; also where Debian puts it, which is not on everybody's path."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx")


def version() -> str:
    """As it says itself, like "nginx/1.22.1"; empty when it does not."""
    done = subprocess.run([find() or "nginx", "-v"], capture_output=True, text=True, check=False)
    return done.stderr.strip().removeprefix("nginx version: ")


@contextlib.contextmanager
def serving(root: Path, path: str, cpus: tuple[int, ...]) -> Iterator[Server]:
    """nginx serving root in one of PATHS, answering; ended at the end. Raises UserError when it does not answer."""
    program = find()
    if program is None:
        raise UserError("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="zero-copy-bench-nginx-") as name, socket.socket() as listener:
        folder = Path(name)
        listener.bind(("127.0.0.1", 0))
        listener.listen(4096)
        congestion = sockets.set_congestion_control(listener)
        port = listener.getsockname()[1]
        configuration = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""  # else its worker may not read what is served
        configuration.write_text(
            _CONFIGURATION.format(folder=folder, user=user, directives=PATHS[path], port=port, root=root)
        )
        command = [program, "-e", "stderr", "-p", str(folder), "-c", str(configuration)]
        with bound(cpus), (folder / "errors").open("wb") as errors:
            process = subprocess.Popen(
                command,
                env=os.environ | {"NGINX": f"{listener.fileno()};"},
                pass_fds=[listener.fileno()],
                stderr=errors,
                text=True,
                preexec_fn=_end_with_parent,
            )
        listener.close()  # it is nginx's now: where that does not run, connections are refused
        with process, ended(process):
            _wait_for_answer(port, folder / "errors")
            worker = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
            yield Server((process.pid, *worker), port, congestion)


def _wait_for_answer(port: int, errors: Path) -> None:
    """The socket listens before nginx does: the first answer is what says that it is up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_TIMEOUT_S)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException) as error:
        lines = errors.read_text(errors="replace").strip().splitlines() or [str(error)]
        raise UserError(f"nginx did not start: {lines[-1]}") from error
    finally:
        connection.close()


def _end_with_parent() -> None:
    """In the child, before nginx: the master ends in order, and its worker with it, when the bench has gone."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
