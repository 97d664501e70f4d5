"""A report read back into the command that made it.

Its rule: a report is untrusted input. Only the values of known knobs (knobs.py) are taken from it, each in the form
that `make load` writes. They become an argument list, which no shell ever sees, and none can become an option. A report
never chooses where files are read or written; of the files of external servers, which are commands, it may name one of
this checkout's examples/, and the commands that started servers it may not name at all.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

import knobs
from errors import UsageError, UserError
from profiles.store.records import Run
from reports.analysis.text import printable
from reports.export.attachments import RECORD_ID
from reports.run_data import find
from units import MIB, exact_size, format_size, parse_size

MOST_BYTES = 256 * MIB
# Inside the element every "<" is escaped (templating.embedded_json).
_RECORD = re.compile(rf'<script\b[^<>]{{0,200}}\bid="{RECORD_ID}"[^<>]{{0,200}}>([^<]*)</script>')

_BETWEEN_HOSTS = ("AGENT", "AGENT_TOKEN_FILE", "AGENT_CA", "MASTER", "NETNS", "RATE", "MTU")
_TARGETS = "TARGETS"
_SIZE = "SIZE"
_IN_ONE_LINE = tuple(knobs.KNOBS[name] for name in ("COMMAND", "URL"))
_EXAMPLE = re.compile(r"(?:.*/)?(examples/[A-Za-z0-9_-]{1,60}\.toml)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ReproduceRequest:
    """What to run again. run: its name in the report. revision: the project's then. knobs: checked.

    untaken_targets: the file of external servers that it was run with, where a report may not choose that one.
    untaken: COMMAND and URL of servers that were named in one line, as they are given to make.
    """

    run: str
    revision: str
    knobs: dict[str, str]
    untaken_targets: str = ""
    untaken: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """To be shown, and to be typed."""
        said = (f"{name}={shlex.quote(value.replace('$', '$$'))}" for name, value in self.knobs.items())
        return f"make load {' '.join(said)}"

    @property
    def targets(self) -> str | None:
        """The file of external servers."""
        return self.knobs.get(_TARGETS)

    def with_targets(self, path: str) -> "ReproduceRequest":
        """With the user's own file of external servers, instead of the report's."""
        return replace(self, knobs=self.knobs | {_TARGETS: path}, untaken_targets="")

    def with_named(self, variables: Mapping[str, str]) -> "ReproduceRequest":
        """With the user's own servers, instead of the report's. variables: of make, COMMAND and URL."""
        return replace(self, knobs=self.knobs | dict(variables), untaken=() if variables else self.untaken)

    @property
    def modes(self) -> list[str]:
        return self.knobs.get("MODES", "").split()

    @property
    def options(self) -> list[str]:
        """MODE.NAME=SIZE"""
        return self.knobs.get("OPTIONS", "").split()

    @property
    def load_arguments(self) -> list[str]:
        """The arguments of the command behind `make load`."""
        return knobs.arguments("load", self.knobs)


def latest(profiles: Path) -> ReproduceRequest:
    """The request of the latest campaign. Raises UsageError where there is none, or for an unknown knob."""
    return _request(find(profiles, None).read_run())


def read(path: Path) -> ReproduceRequest:
    """The request in this report. Raises UsageError for anything but a report, or for an unknown knob."""
    try:
        size_bytes = path.stat().st_size
        if path.exists() and not path.is_file():  # a device or a pipe may have no end
            raise UsageError(f"cannot read {path}: it is not a file; give the path of a report's index.html")
        if size_bytes > MOST_BYTES:
            raise UsageError(f"{path} is {format_size(size_bytes)}, too large for a report")
        html = path.read_bytes().decode()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; give the path of a report's index.html") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not a report: it is not UTF-8; give the path of a report's index.html") from error
    found = _RECORD.search(html)
    if found is None:
        raise UsageError(
            f"{path} does not contain the record of a run: rebuild the report with `make report`; the page of a sweep "
            f"shows the command that repeats it"
        )
    try:
        run = msgspec.json.decode(found[1], type=Run)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise UsageError(f"the record in {path} is not a run: {printable(str(error))}") from error
    return _request(run)


def _request(run: Run) -> ReproduceRequest:
    revision = str(run.software.get("git_revision") or "unknown")
    found, named = _knobs(run)
    untaken = ""
    if example := _EXAMPLE.fullmatch(found.get(_TARGETS, "")):
        found[_TARGETS] = example[1]
    else:
        untaken = printable(found.pop(_TARGETS, ""))
    return ReproduceRequest(printable(run.name), printable(revision), found, untaken, named)


def _knobs(run: Run) -> tuple[dict[str, str], tuple[str, ...]]:
    """The knobs of a run's command, its seed among them; and apart, what a report may not choose. Raises UsageError."""
    try:
        words = shlex.split(run.command)
    except ValueError as error:
        raise UsageError(f"the command of run {printable(run.name)!r} is incomplete: {error}") from error
    if words[:2] != ["make", "load"]:
        raise UsageError(f"run {printable(run.name)!r} did not come from `make load`: {printable(run.command)!r}")
    known = {knob.name: knob.value_pattern for knob in knobs.of("load")}
    found, named = {}, []
    for word in [*words[2:], f"SEED={run.seed}"]:
        name, _, value = word.partition("=")
        if name in _BETWEEN_HOSTS:
            raise UsageError(
                f"run {printable(run.name)!r} was measured between hosts ({printable(word)}), which a report may not "
                f"choose: type `{printable(run.command)}` yourself if you trust them"
            )
        if any(knob.is_named(name) for knob in _IN_ONE_LINE):
            named.append(f"{name}={shlex.quote(printable(value))}")
            continue
        pattern = ".*" if name == _TARGETS else known.get(name)
        if pattern is None or not re.fullmatch(pattern, value, re.ASCII):
            raise UsageError(f"`make load` has no option {printable(word)!r} here: nothing was run")
        found[name] = _in_units(value) if name == _SIZE else value
    return found, tuple(named)


def _in_units(size: str) -> str:
    """32MiB, where older runs say 33554432."""
    exact = exact_size(parse_size(size)).replace(" ", "")
    return size if exact == f"{size}B" else exact
