"""The knobs: every make variable that a command takes, one row each.

Its rule: a knob is described here and nowhere else. The arguments of the commands, their checks, `make help`, the
command that repeats a run, `make reproduce` and the live page's form are made from these rows. A knob is a make
variable in capitals (WARM_UP), an option in small letters (--warm-up), and an attribute of what was parsed (warm_up).
"""

import argparse
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from errors import UsageError, suggestion
from units import exact_size, parse_size

Kind = Literal["count", "number", "flag", "choice", "size", "words", "text", "path"]

_MODE = "[a-z0-9][a-z0-9_-]{0,60}"
_SIZE = r"\d{1,15}(\.\d{1,9})?[A-Za-z]{0,3}"
_OPTION = f"{_MODE}={_SIZE}"
_NAME = rf"{_MODE}(@{_OPTION}(\+{_OPTION}){{0,9}})?(@cold)?(@again)?"  # a mode or a variant of one
_NUMBERS = r"\d{1,5}( \d{1,5}){0,9}"
_LIMIT = rf"{_NAME}/{_NAME}<=\d{{1,4}}(\.\d{{1,9}})?"
_PATTERNS: Mapping[Kind, str] = {
    "count": r"\d{1,12}",
    "number": r"\d{1,15}(\.\d{1,15})?(e[+-]\d{1,2})?",
    "flag": "[01]",
    "choice": "[a-z]{1,20}",
    "size": _SIZE,
}


@dataclass(frozen=True, slots=True)
class Knob:
    """A row of the table.

    of: the commands that take it, each with its default; None where the command decides, as `default` says.
    limits: the least and the most. unit: of the value. label: on the live page's form, where it stands on it.
    pattern: a regular expression for what a report may give as the value; without one it is that of the kind, and a
    report may not give a text or a path. always: it stands in the command that repeats a run even at its default.
    several: it may be given more than once, as NAME=… NAME2=… NAME3=….
    """

    name: str
    kind: Kind
    help: str
    of: Mapping[str, Any]
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    default: str = ""
    metavar: str = ""
    label: str = ""
    pattern: str = ""
    always: bool = False
    several: bool = False

    @property
    def attribute(self) -> str:
        return self.name.lower()

    @property
    def option(self) -> str:
        return "--" + self.attribute.replace("_", "-")

    @property
    def value_pattern(self) -> str | None:
        return self.pattern or _PATTERNS.get(self.kind)

    def is_named(self, variable: str) -> bool:
        """Whether this variable of make is the knob: COMMAND, or COMMAND2 where it may be given several times."""
        more = variable.removeprefix(self.name) if variable.startswith(self.name) else "no"
        return not more or (self.several and re.fullmatch("[2-9]|[1-9][0-9]", more) is not None)

    def texts(self, variables: Mapping[str, str]) -> list[str]:
        """What make's variables say, in order; one that is empty was not given."""
        names = sorted((name for name in variables if self.is_named(name)), key=lambda name: (len(name), name))
        return [text for name in names if (text := variables[name].strip())]

    def words(self, value: Any) -> list[str]:
        """A value as words for a shell's command line with make, which would take a single $ for a variable's."""
        return [f"{name}={shlex.quote(text.replace('$', '$$'))}" for name, text in self.variables(value)]

    def variables(self, value: Any) -> list[tuple[str, str]]:
        """A value as variables of make, by name; of a knob that may be given several times none, one or more."""
        if not self.several:
            return [(self.name, self.text(value))]
        return [(f"{self.name}{number if number > 1 else ''}", text) for number, text in enumerate(value or (), 1)]

    def parse(self, text: str) -> Any:
        """The value that a text means, checked. Raises UsageError."""
        if self.kind == "flag":
            if text not in ("0", "1"):
                raise UsageError(f"{self.name}={text!r}: give 0 or 1")
            return text == "1"
        try:
            value = {"count": int, "number": float, "path": Path}.get(self.kind, str)(text)
        except ValueError as error:
            raise UsageError(f"{self.name}={text!r}: give {self._range}") from error
        return self.check(value)

    def check(self, value: Any) -> Any:
        """The value itself, where it is within the limits and among the choices. Raises UsageError."""
        number = self._bytes(value) if self.kind == "size" else value
        if self.limits and not self.limits[0] <= number <= self.limits[1]:
            raise UsageError(f"{self.name}={self.text(value)}: give {self._range}")
        allowed = self.kind == "choice" and self.pattern and re.fullmatch(self.pattern, str(value))
        if self.choices and value not in self.choices and not allowed:
            hint = suggestion(str(value), self.choices)
            raise UsageError(f"{self.name}={value!r}: choose one of {', '.join(self.choices)}{hint}")
        return value

    def _bytes(self, size: str) -> int:
        try:
            return parse_size(size)
        except UsageError as error:
            raise UsageError(f"{self.name}={error}") from error

    def text(self, value: Any) -> str:
        """A value as it is given to make: 64MiB, 0.05, 1, "read-send sendfile"."""
        if isinstance(value, bool):
            return str(int(value))
        if isinstance(value, tuple | list):
            return " ".join(map(str, value))
        if self.kind == "size" and isinstance(value, int):
            return exact_size(value).replace(" ", "")
        return f"{value:.12g}" if isinstance(value, float) else str(value)

    @property
    def summary(self) -> str:
        """What it is, with its choices and its unit."""
        said = [self.help, f"{'|'.join(self.choices)}" if self.choices else "", f"in {self.unit}" if self.unit else ""]
        return ", ".join(filter(None, said))

    def default_text(self, command: str) -> str:
        """(default: 4), or nothing where the command has none."""
        default = self.default if self.of[command] in (None, (), False) else self.text(self.of[command])
        return f" (default: {default})" if default else ""

    def describe(self, command: str) -> str:
        """What it is, and its default for a command."""
        return self.summary + self.default_text(command)

    @property
    def _range(self) -> str:
        if self.kind == "size":
            return "a size like 256MiB, of 1 byte at least"
        number = "a whole number" if self.kind == "count" else "a number"
        return number if self.limits is None else f"{number} from {self.limits[0]:g} to {self.limits[1]:.15g}"


def _for(*commands: str, **defaults: Any) -> dict[str, Any]:
    """The commands that take a knob: those without a default, and those with one."""
    return dict.fromkeys(commands) | defaults


# fmt: off
_ROWS = (
    # What is compared
    Knob("MODES", "words", "data paths and servers to measure: course, all, or names (for sweep the baseline "
         "first); for load, gate and prove also variants like read-send@chunk=64KiB+buffer-offset=16, "
         "read-send@cold or read-send@again",
         _for("sweep", "prove", "servers", "gate", "soak", load=("course",), crosscheck=("read-send", "sendfile")),
         metavar="MODE", pattern=rf"{_NAME}( {_NAME})*"),
    Knob("MODE", "text", "one mode to judge", _for("gate"), metavar="NAME"),
    Knob("AGAINST", "text", "judge MODE against this mode of the same run, by the paired ratio", _for("gate"),
         metavar="NAME"),
    Knob("BASELINE", "text", "the mode, or for gate the run, that others are compared with", _for("load", "gate"),
         default="read-send, else the first mode", metavar="NAME", pattern=_NAME),
    Knob("TARGETS", "path", "file with external servers (docs/targets.md)",
         _for("load", "sweep", "ui", "agent", "servers", "doctor", "prove", "crosscheck", "reproduce", "screenshots",
              "target"),
         default="targets.toml, where there is one", metavar="FILE"),
    Knob("COMMAND", "text", "a server of your own, by what starts it, like \"caddy file-server --listen {host}:{port} "
         "--root {root}\"; COMMAND2=… is another",
         _for("load", "sweep", "ui", "prove", "doctor", "target", "agent", "reproduce"), several=True),
    Knob("URL", "text", "a file that a server of this machine sends already, like http://127.0.0.1:8000/big.bin",
         _for("load", "prove", "reproduce"), several=True),
    Knob("PROTOCOL", "choice", "raw, as in the course: whoever connects gets the file, and the connection closes",
         _for(**dict.fromkeys(("load", "prove", "doctor", "target", "servers"), "http")),
         choices=("http", "raw")),
    Knob("NAME", "text", "for target what targets.toml calls the server; for lab and lab-check a data path",
         _for("target", lab="mine", **{"lab-check": "mine"}), default="what COMMAND starts"),
    Knob("OPTIONS", "words", "options of modes, and so of their variants, like read-send.chunk=64KiB",
         _for(load=(), sweep=()), metavar="MODE.NAME=SIZE", pattern=rf"{_MODE}\.{_OPTION}( {_MODE}\.{_OPTION})*"),
    Knob("AXIS", "choice", "what is swept", _for("sweep"), choices=("size", "chunk", "connections", "buffer-offset"),
         default="size"),
    Knob("POINTS", "words", "values of the axis", _for("sweep"), default="a grid", metavar="VALUE"),
    # What is done to them
    Knob("PACE", "text", "what is offered: saturated, auto, a rate like 200MiB/s that every mode gets, or both",
         _for(load="saturated"), label="Pace", pattern=rf"[a-z]{{1,20}}( [a-z]{{1,20}}| {_SIZE}/s)?|{_SIZE}/s"),
    Knob("CACHE", "choice", "where the file is read from: the page cache, the disk, or both, side by side",
         _for(load="warm"), choices=("warm", "cold", "both")),
    Knob("SIZE", "size", "size of the test file",
         _for("load", "sweep", "ui", "agent", "servers", "prove", "crosscheck", "test-file", "lab-check",
              course="256MiB"),
         limits=(1, 2**60 - 1), default="32MiB; 1MiB at a pace", label="File size", always=True),
    Knob("USERS", "count", "connections at once", _for("load", sweep=4), limits=(1, 2000), default="4",
         label="Users per path", always=True),
    Knob("SINK", "choice", "what users do with the bytes", _for(load="discard", sweep="discard"),
         choices=("discard", "copy"), label="Received bytes", always=True),
    # How long and how exactly
    Knob("ROUNDS", "count", "rounds, at most", _for("load", sweep=40), limits=(1, 1000), default="24; 6 if QUICK",
         label="Rounds, at most", always=True),
    Knob("SECONDS", "number", "time for the rounds, at most", _for("load", course=30.0), limits=(1, 86400),
         unit="seconds", default="no limit", label="Time for the rounds, at most"),
    Knob("PRECISION", "number", "stop when every interval is this narrow on either side; 0 runs all rounds",
         _for(load=0.05), limits=(0, 1), label="Precision"),
    Knob("QUICK", "flag", "explore: a few short rounds without flame graphs, for a first impression", _for(load=False),
         label="Quick: a first impression without a verdict"),
    Knob("RETRIES", "count", "rounds that may be repeated since they measured something else, as a multiple of ROUNDS",
         _for("load"), limits=(0, 10), default="1; 0 if QUICK"),
    Knob("CALIBRATE", "flag", "run the baseline twice per round, which measures the A/A floor", _for(load=False),
         label="Measure what this machine finds between two equals (A/A floor)"),
    Knob("SLICE", "number", "least length of a slice, a mode's turn", _for("load"), limits=(0.01, 600), unit="seconds",
         default="0.1; 1 at a pace"),
    Knob("WINDOW", "number", "measured per mode and round, in slices", _for("load", sweep=1.0, crosscheck=5.0),
         limits=(0.2, 3600), unit="seconds", default="what fits into a round of 6 seconds",
         label="Measured per mode and round"),
    Knob("WARM_UP", "number", "discarded before that, in whole downloads", _for(load=0.0, sweep=0.0), limits=(0, 600),
         unit="seconds", default="one download of each user"),
    Knob("PROFILE", "number", "flame graphs, per mode with py-spy and with perf; 0 for none", _for("load", course=0.0),
         limits=(0, 600), unit="seconds", default="1; 0 if QUICK", label="Flame graph"),
    Knob("MINUTES", "number", "how long it may take", _for(sweep=10.0, soak=2.0, fuzz=1.0), limits=(0.01, 1440),
         unit="minutes"),
    Knob("SEED", "count", "of the order, or of what is drawn", _for("load", "sweep", "soak"), default="random",
         limits=(0, 2**63), always=True),
    # Where
    Knob("PORTS", "choice", "of the servers: free ones, or fixed, which are the modes' own; or numbers, where a "
         "COMMAND without {port} listens: each is a mode",
         _for("prove", "doctor", "target", load="free", sweep="free", ui="fixed", servers="fixed"),
         choices=("free", "fixed"), pattern=rf"free|fixed|{_NUMBERS}"),
    Knob("WEB_PORT", "count", "of Locust's web UI and the live page", _for(ui=8089), limits=(1, 65535)),
    Knob("WAIT", "flag", "wait for the end of another campaign on this machine",
         _for(load=False, sweep=False, crosscheck=False, reproduce=False, course=False, **{"lab-check": False})),
    Knob("PIN", "flag", "give load and servers CPUs of their own", _for(load=True, sweep=True)),
    Knob("WORKERS", "count", "processes that share the users; 0 for none", _for(load=0), limits=(0, 256)),
    Knob("MASTER", "text", "wait there for workers from other hosts", _for("load"), metavar="HOST:PORT"),
    Knob("AGENT", "text", "where the servers run: an agent on another host (make agent)", _for("load", "ui"),
         metavar="HOST:PORT"),
    Knob("AGENT_TOKEN_FILE", "text", "the token that it was started with", _for("load", "ui"), metavar="FILE"),
    Knob("AGENT_CA", "text", "who signed its certificate (PEM), or system", _for("load", "ui"), metavar="FILE"),
    Knob("NETNS", "flag", "put servers and load into network namespaces of their own (as root)", _for(load=False)),
    Knob("RATE", "text", "what either end of that link may send, like 1gbit", _for("load"), default="unlimited"),
    Knob("MTU", "count", "of that link", _for("load"), unit="bytes", default="1500"),
    Knob("LISTEN", "text", "where the agent serves loads from other hosts", _for("agent"), metavar="ADDRESS:PORT"),
    Knob("SERVE_ON", "text", "address on which the servers listen, in a network that the agent does not listen in",
         _for("agent"), default="where a load reached the agent", metavar="ADDRESS"),
    Knob("TOKEN_FILE", "path", "holds the token that a load must know", _for("agent"), metavar="FILE"),
    Knob("TLS_CERT", "path", "encrypt, with this certificate (PEM)", _for("agent"), metavar="FILE"),
    Knob("TLS_KEY", "path", "its key", _for("agent"), default="in the same file", metavar="FILE"),
    # Runs and what is made of them
    Knob("RUN", "text", "name of the run", _for("load", "sweep", "course", "report", "open", "export", "gate",
         "reproduce", "screenshots", "servers-table"), default="the time of a new one, else the latest",
         label="Name of the run"),
    Knob("GIB_PER_DAY", "number", "traffic for which the report counts the cores saved", _for("load", "report"),
         limits=(0.001, 10**12), unit="GiB"),
    Knob("REPORTS", "text", "the reports of a class, from many machines, and its lines of guesses: a folder, or like "
         "\"reports/*.html\"", _for("class"), metavar="FILES"),
    Knob("A", "text", "name of a run; make runs lists them", _for("compare")),
    Knob("B", "text", "name of the other run", _for("compare"), default="the latest"),
    Knob("MAX", "words", "for gate the ratio that is still allowed; for both limits between modes of one run, like "
         "nginx-new/nginx-old<=1.05, which load judges at its end", _for(gate=("1.05",), load=()), metavar="LIMIT",
         pattern=rf"{_LIMIT}( {_LIMIT})*"),
    Knob("STRICT", "flag", "do not pass with cautions: the result is unclear then", _for(gate=False, load=False)),
    Knob("JUDGE", "choice", "between two runs, relative: how each mode stands to its run's baseline; direct: its cost "
         "itself", _for(gate="relative"), choices=("relative", "direct")),
    Knob("JUNIT", "path", "write JUnit XML there too", _for("gate"), metavar="FILE"),
    Knob("FORMAT", "text", "export: csv, parquet, json, markdown, bmf, gha; of profiles speedscope, firefox, pprof, "
         "folded; gate: text or github",
         _for("export", "gate"), default="export: all; gate: text"),
    Knob("REPORT", "path", "a report's index.html", _for("reproduce"), default="of the latest run", metavar="FILE"),
    Knob("SHOW", "flag", "only show the command", _for(reproduce=False)),
    # The project's own checks
    Knob("ONLY", "text", "run this part alone", _for("bench")),
    Knob("REPEATS", "count", "how often each whole command is timed", _for(bench=1), limits=(1, 100)),
    Knob("INPUT", "path", "ask about this one input", _for("fuzz"), metavar="FILE"),
)
# fmt: on
KNOBS: Mapping[str, Knob] = {knob.name: knob for knob in _ROWS}


def of(command: str) -> tuple[Knob, ...]:
    """The knobs of a command, in the order of the table."""
    return tuple(knob for knob in KNOBS.values() if command in knob.of)


def add_arguments(parser: argparse.ArgumentParser, command: str, positional: Sequence[str] = ()) -> None:
    """Give a command's parser an option for each of its knobs. positional: those that it takes without their names."""
    for knob in of(command):
        bare = knob.name in positional
        many = "*" if bare else "+"
        more: dict[str, Any] = {"nargs": many if knob.kind == "words" else "?" if bare else None}
        more |= {"action": "append"} if knob.several else {}
        parser.add_argument(
            knob.attribute if bare else knob.option,
            **more,
            type=knob.parse,
            default=knob.of[command],
            metavar=knob.metavar or knob.name.rpartition("_")[2],
            help=knob.describe(command).replace("%", "%%"),
        )


def defaults(command: str) -> argparse.Namespace:
    """What a command's parser gives when nothing is asked for."""
    return argparse.Namespace(**{knob.attribute: knob.of[command] for knob in of(command)})


def check(command: str, given: Mapping[str, Any]) -> None:
    """Raises UsageError where a value is out of its limits or choices. given: by attribute; None was not asked for."""
    for knob in of(command):
        if (value := given.get(knob.attribute)) not in (None, ""):
            knob.check(value)


def check_texts(command: str, variables: Mapping[str, str]) -> None:
    """Raises UsageError where the text of a variable is no value of its knob."""
    for knob in of(command):
        for text in knob.texts(variables):
            knob.parse(text)


def arguments(command: str, variables: Mapping[str, str], positional: Sequence[str] = ()) -> list[str]:
    """The command's arguments for what make's variables say; a variable that is empty was not given."""
    words: list[str] = []
    for knob in of(command):
        for text in knob.texts(variables):
            if knob.name in positional:
                words = [*text.split(), *words] if knob.kind == "words" else [text, *words]
            elif knob.kind == "words":
                words += [knob.option, *text.split()]
            else:
                words.append(f"{knob.option}={text}")
    return words


def refuse_unknown(command: str, names: Iterable[str]) -> None:
    """Raises UsageError for the name of a variable that is none of the command's knobs."""
    known = [knob.name for knob in of(command)]
    for name in names:
        if not any(knob.is_named(name) for knob in of(command)):
            others = ", ".join(f"make {other}" for other in KNOBS[name].of) if name in KNOBS else ""
            near = suggestion(name, known)
            hint = f"{near} ({name} is a knob of {others})" if near and others else near
            hint = hint or (f": it is a knob of {others}" if others else "")
            raise UsageError(f"make {command} has no knob {name}{hint} (`make help` lists them)")


def command_line(command: str, values: Mapping[str, Any]) -> str:
    """The make command that asks for these values, by attribute; what is at its default is left out."""
    said = [
        word
        for knob in of(command)
        if (value := values.get(knob.attribute)) not in (None, (), "") and (knob.always or value != knob.of[command])
        for word in knob.words(value)
    ]
    return " ".join([f"make {command}", *said])
