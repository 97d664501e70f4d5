"""Flame graphs: py-spy attached to a server in the profile pass.

Where there can be no flame graph, the recording has a reason and a remedy; the run goes on.

py-spy runs with --nonblocking: by default it stops the process at every sample, and so changes what it measures. It
ends by its own duration (or with its target), since on SIGTERM it would write nothing. Two recorders run side by side:
one writes the picture, the other the folded stacks.
"""

import contextlib
import html
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from profiles.protocol import Recording
from profiles.scratch import Scratch

RATE_HZ = 100
_TITLE = re.compile(r'(<text id="title"[^>]*>)[^<]*')  # py-spy's own title is its command line
# With --subprocesses the root of each stack is a command line, of any characters, before a frame like "run (a.py:1)".
_PROCESS = re.compile(r'^(?:process \d+:".*?";(?=process \d+:"|[^;"\n]+ \())+', re.MULTILINE | re.DOTALL)
_FORMATS = {"svg": "flamegraph", "raw": "raw"}
_REMEDIES = {
    "Permission Denied": "run as root, set sysctl kernel.yama.ptrace_scope=0, or give the container SYS_PTRACE",
    "Operation not permitted": "run as root, or give the container the capability SYS_PTRACE",
    "Unsupported version of Python": "start the server with an older Python; ours runs with that of PYTHON=python3.13",
    "Failed to find python version": "py-spy reads Python servers only",
    "Failed to get process executable name": "the server ended before py-spy could attach; look at its stderr",
    "No stack counts found": "the server was idle the whole time; record under load, or for longer",
}


class PySpy:
    """A recording of a process, with or without those below it: started at once, over when result() says so.

    pid: None where no process of the server runs Python; then the recording fails with that reason. seconds: py-spy
    records whole ones, so they are rounded up.
    """

    def __init__(self, pid: int | None, seconds: float, title: str, subprocesses: bool = False) -> None:
        self._scratch = Scratch()
        self._recorders: dict[str, subprocess.Popen[bytes]] = {}
        seconds = math.ceil(seconds)
        self._title = f"{title}: {RATE_HZ} samples a second for {seconds} s, py-spy"
        self._reason: str | None = None
        program = find_py_spy()
        if pid is None:
            self._reason = "none of its processes runs Python, and py-spy reads nothing else"
        elif program is None:
            self._reason = "py-spy is not installed beside this Python; `make setup` installs it"
        else:
            command = [program, "record", "--nonblocking", "--pid", str(pid), "--duration", str(seconds)]
            command += ["--subprocesses"] if subprocesses else []
            self._start([*command, "--rate", str(RATE_HZ)])

    def _start(self, command: list[str]) -> None:
        for suffix, form in _FORMATS.items():
            output = ["--format", form, "--output", str(self._scratch.path / f"out.{suffix}")]
            with (self._scratch.path / f"{suffix}.log").open("wb") as log:
                try:
                    self._recorders[suffix] = subprocess.Popen(
                        command + output, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                    )
                except OSError as error:
                    self._reason = explain(f"{command[0]}: {error.strerror}")

    def result(self) -> Recording:
        """The recording as it stands. Once it is over, its files are removed."""
        if self._reason is None and any(recorder.poll() is None for recorder in self._recorders.values()):
            return Recording("recording")
        recording = self._over()
        self.kill()
        return recording

    def _over(self) -> Recording:
        if self._reason is not None:
            return Recording("failed", reason=self._reason)
        for suffix, recorder in self._recorders.items():
            if recorder.returncode != 0:
                return Recording("failed", reason=self._why_it_failed(suffix, recorder.returncode))
        contents = {suffix: (self._scratch.path / f"out.{suffix}").read_text(errors="replace") for suffix in _FORMATS}
        if not contents["raw"].strip():
            return Recording("failed", reason=explain("No stack counts found"))
        svg = _TITLE.sub(lambda found: found[1] + html.escape(self._title), contents["svg"], count=1)
        return Recording("done", svg=svg, raw=_PROCESS.sub("", contents["raw"]))

    def kill(self) -> None:
        """End the recorders at once, and remove their files."""
        for recorder in self._recorders.values():
            recorder.kill()
            recorder.wait()
        self._scratch.close()

    def _why_it_failed(self, suffix: str, code: int) -> str:
        log = (self._scratch.path / f"{suffix}.log").read_text(errors="replace")
        lines = [line.strip() for line in log.splitlines() if line.strip()]
        known = next((line for line in lines for symptom in _REMEDIES if symptom in line), None)
        return explain(known or (lines[-1] if lines else f"exit code {code}"))


def first_python(pids: Sequence[int]) -> int | None:
    """The first of these processes that runs Python; None where none does."""
    return next((pid for pid in pids if runs_python(pid)), None)


def runs_python(pid: int) -> bool:
    """Whether a process's program is a Python, or has one in it; True where that may not be read."""
    try:
        name = Path(f"/proc/{pid}/exe").readlink().name
        return "python" in name or b"libpython" in Path(f"/proc/{pid}/maps").read_bytes()
    except PermissionError:
        return True  # py-spy will say why it may not attach
    except OSError:  # it has ended
        return False


def source_folders(pid: int) -> list[Path]:
    """Where the sources of a Python process may be, beside the standard library: its working folder, its packages."""
    with contextlib.suppress(OSError):
        program = Path(os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]))
        packages = program.parent.parent.glob("lib/python3*/site-packages") if program.is_absolute() else ()
        return [Path(f"/proc/{pid}/cwd").readlink(), *packages]
    return []


def explain(symptom: str) -> str:
    remedy = next((remedy for known, remedy in _REMEDIES.items() if known in symptom), "see `py-spy record --help`")
    return f"py-spy could not record: {symptom.removeprefix('Error: ')}; {remedy}"


def find_py_spy(which: Callable[..., str | None] = shutil.which) -> str | None:
    """py-spy of this environment, else of the PATH."""
    return which("py-spy", path=str(Path(sys.executable).parent)) or which("py-spy")
