"""The process of a server that a command starts, with everything below it, and what it writes.

Its rule: it ends with us, to the last process (profiles/targets/reaper.py). Several targets may be served by one, on
ports of their own: it ends when the last of them has let go.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from errors import UserError
from profiles.metrics.process_tree import TreeReader
from profiles.scratch import Scratch
from profiles.targets.external import LINK_TO_ROOT, ExternalTarget, Placeholders
from profiles.targets.process_helpers import Ending, last_line, wait_or_kill
from profiles.targets.reaper import KILLED_MESSAGE, NOT_FOUND, SIGNALLED

_KILL_TIMEOUT_S = 10.0
# Debian puts servers where only root looks.
_PATH = {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin"}


class ExternalProcess:
    """Started once it is made, which says nothing of whether it is ready. Raises UserError where it cannot be."""

    def __init__(
        self, name: str, external: ExternalTarget, root: Path, address: tuple[str, int], cpus: tuple[int, ...]
    ) -> None:
        self._name, self._external = name, external
        self._users = 1
        self._ending = Ending()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - end() closes it
        self._scratch = Scratch()
        try:
            placeholders = external.placeholders(root, *address, self._scratch.path)
            self._write_files(root, placeholders)
            self._lifeline, self._reaper = self._spawn(placeholders, cpus)
        except BaseException:
            self._log.close()
            self._scratch.close()
            raise
        self._readers: list[TreeReader] = []

    def reader(self) -> TreeReader:
        """A reader of its own for each target, since a reader is used by one thread at a time."""
        self._readers.append(TreeReader(self._reaper.pid, reaper=True))
        return self._readers[-1]

    def share(self) -> None:
        """One more target is served by it, which will call leave() and end()."""
        self._users += 1

    def running(self) -> bool:
        return self._reaper.poll() is None

    def found(self) -> bool:
        """Whether there is such a program."""
        return self._reaper.returncode != NOT_FOUND

    def ended_well(self) -> bool:
        return self._reaper.returncode == 0

    def last_line(self) -> str:
        return "" if self._log.closed else last_line(self._log)

    def how_it_ended(self) -> str:
        code = self._reaper.returncode
        return self._ending.describe(SIGNALLED - code if code > SIGNALLED else code)

    def leave(self) -> None:
        """One target lets go; after the last one the reaper is told to stop the server."""
        self._users -= 1
        if self._users == 0:
            os.close(self._lifeline)

    def end(self) -> str:
        """Wait until it has ended, once all have let go, by force after its grace; says so if it had to. Safe to call
        twice."""
        if self._users:
            return ""
        wait_or_kill(self._reaper, 2 * self._external.stop_within_s + _KILL_TIMEOUT_S)
        if self._reaper.returncode < 0:
            # what the reaper, killed itself, could not stop any more
            for pid in {pid for reader in self._readers for pid in reader.alive()}:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        line = self.last_line()
        self._log.close()
        self._scratch.close()
        return line if KILLED_MESSAGE in line else ""

    def _write_files(self, root: Path, placeholders: Placeholders) -> None:
        (self._scratch.path / LINK_TO_ROOT).symlink_to(root.absolute())
        for name in self._external.files:
            text = (self._external.here / name).read_text(errors="surrogateescape")  # it need not be UTF-8
            expanded = placeholders.expand(text)
            (self._scratch.path / Path(name).name).write_text(expanded, errors="surrogateescape")

    def _spawn(self, placeholders: Placeholders, cpus: tuple[int, ...]) -> tuple[int, "subprocess.Popen[bytes]"]:
        """The lifeline, and the reaper, which runs the command. Raises UserError."""
        external, expand = self._external, placeholders.expand
        number, stop = (external.stop, ()) if isinstance(external.stop, int) else (signal.SIGTERM, external.stop)
        read, lifeline = os.pipe()
        program = [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py")), str(read)]
        program += [str(int(number)), str(external.stop_within_s), ",".join(map(str, cpus))]
        program += [json.dumps([expand(word) for word in words]) for words in (stop, external.command)]
        try:
            return lifeline, subprocess.Popen(
                program,
                cwd=external.here / expand(external.cwd),
                env=os.environ | _PATH | {name: expand(text) for name, text in external.env.items()},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[read],
                start_new_session=True,
            )
        except OSError as error:
            os.close(lifeline)
            raise UserError(f"{self._name} did not start: {error.filename}: {error.strerror}") from error
        finally:
            os.close(read)
