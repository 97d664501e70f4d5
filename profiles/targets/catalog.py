"""What can be measured: the modes of `servers/`, and the external targets of targets.toml (docs/targets.md).

A target is known elsewhere by its name and facts; how it is started stays in this package.
"""

import json
import os
import re
import sysconfig
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from errors import UsageError, suggestion
from interpreter import PYTHON
from ports import listeners
from profiles.metrics.own_readings import cpu_s
from profiles.store.run_facts import TargetFacts, WireProtocol
from profiles.targets import config_file, one_line
from profiles.targets.external import ExternalTarget
from servers import discovery, mode
from units import format_size

MAX_OPTION_BYTES = 1 << 30
PROJECT = Path(__file__).resolve().parent.parent.parent
VARIABLE = "TARGETS"  # of the environment, and of make
DEFAULT_FILE, EXAMPLES = PROJECT / "targets.toml", PROJECT / "examples" / "targets.toml"

# The perf trampoline gives each Python function an address that perf can name; Python 3.12 and later, not everywhere.
_TRAMPOLINE = ["-X", "perf"] if sysconfig.get_config_var("PY_HAVE_PERF_TRAMPOLINE") else []
_PREPARED = {"py-spy": ["-m", "profiles.profilers.allow_ptrace"], "perf": [*_TRAMPOLINE, "-m"]}
NAMED_VARIABLE = "ZERO_COPY_BENCH_TARGETS"  # of the environment: what was named on a command line, and no file
LAB_VARIABLE = "ZERO_COPY_BENCH_LAB"  # of the environment: the modes of lab/ that were named
_LINES = "COMMAND or URL"


@dataclass(frozen=True, slots=True)
class Target:
    """A server that can be started, measured and stopped. external: None for our modes."""

    facts: TargetFacts
    options: tuple[mode.Option, ...] = ()
    external: ExternalTarget | None = None

    @property
    def name(self) -> str:
        return self.facts.name

    def check(self, options: Mapping[str, int]) -> None:
        """Raises UsageError for an unknown option, or a size out of its limits."""
        known = {option.name: option for option in self.options}
        for name, size_bytes in options.items():
            if name not in known:
                raise UsageError(f"{self.name} has no option {name!r}{suggestion(name, known)}")
            if not known[name].minimum_bytes <= size_bytes <= MAX_OPTION_BYTES:
                limits = f"{known[name].minimum_bytes} bytes to {format_size(MAX_OPTION_BYTES)}"
                raise UsageError(f"{self.name}.{name}={size_bytes}: give {limits}")

    def command(
        self, root: Path, port: int, options: Mapping[str, int], lifeline: int, profiler: str | None, host: str
    ) -> list[str]:
        """The command line of a mode's server. profiler: as in protocol.Start. Raises UsageError as check() does."""
        self.check(options)
        command = [*PYTHON, *_PREPARED.get(profiler or "", ["-m"]), "servers", self.name]
        command += ["--root", str(root.absolute()), "--host", host, "--port", str(port), "--lifeline", str(lifeline)]
        for option, size_bytes in options.items():
            command += [f"--{option}", str(size_bytes)]
        return command


def file() -> Path | None:
    """The targets.toml in use: the one that TARGETS names (empty: none), else the one of the checkout, if it exists."""
    named = os.environ.get(VARIABLE)
    if named is not None:
        return Path(named).absolute() if named else None
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def use(path: str) -> Path:
    """Use this targets.toml in this process and all that it starts. Raises UsageError for one with mistakes."""
    os.environ[VARIABLE] = path and str(Path(path).absolute())
    discover()
    return Path(path)


def use_lines(
    commands: Sequence[str],
    urls: Sequence[str],
    protocol: WireProtocol = "http",
    ports: str = "",
    modes: Iterable[str] = (),
) -> list[str]:
    """Have the servers that a command line names, in this process and all that it starts; their names. The arguments
    are those of named_tables()."""
    tables = named_tables(commands, urls, protocol, ports, modes)
    if tables:
        texts = [("command", text) for text in commands] + [("url", text) for text in urls]
        texts = texts if len(texts) == len(tables) else texts[:1] * len(tables)  # one COMMAND with several ports
        lines = dict(zip(tables, texts, strict=True))
        os.environ[NAMED_VARIABLE] = json.dumps({"here": str(Path.cwd()), "tables": tables, "lines": lines})
    return list(tables)


def lines_of(names: Iterable[str]) -> dict[str, list[str]]:
    """How those of these were named that a command line names: the texts of COMMAND and of URL, by attribute."""
    lines = json.loads(os.environ.get(NAMED_VARIABLE, "{}")).get("lines", {})
    texts = dict.fromkeys(tuple(lines[name]) for name in names if name in lines)
    return {knob: [text for each, text in texts if each == knob] for knob in ("command", "url")}


def named_tables(
    commands: Sequence[str], urls: Sequence[str], protocol: WireProtocol, ports: str, modes: Iterable[str]
) -> one_line.Tables:
    """The servers that a command line names, as targets.toml would have them.

    ports: numbers, where the one command listens that does not say {port}. modes: those of them that are unknown are
    the names of these ports. Raises UserError, UsageError for what cannot be measured.
    """
    numbers = tuple(int(word) for word in ports.split() if word.isdigit())
    if numbers and len(commands) != 1:
        raise UsageError(f"PORTS={ports!r} says where one COMMAND listens: give that, or PORTS=free or fixed")
    if not commands and not urls:
        if protocol == "raw":
            raise UsageError("PROTOCOL=raw is of a COMMAND or URL: give one; in targets.toml a server has it as a key")
        return {}
    known, here = in_file(), Path.cwd()
    taken = {name: each.facts.port for name, each in known.items()}
    own = dict.fromkeys(name.partition("@")[0] for name in modes)
    names = tuple(name for name in own if name not in (*known, *config_file.RESERVED)) if numbers else ()
    tables = one_line.tables_of(commands, urls, taken, here, one_line.Given(protocol, numbers, names))
    found = config_file.targets_of(tables, here, frozenset(known), _LINES)
    from profiles.targets import own_file  # only now: it knows how targets are started, which know this module

    for name, body in own_file.files_of(Target(facts, external=external) for facts, external in found).items():
        tables[name] |= {"size": body.size_bytes, "sha256": body.sha256}
    return tables


def use_lab(names: Iterable[str]) -> None:
    """Know those of these modes that stand in lab/, in this process and all that it starts."""
    if found := [name for name in discovery.lab_names() if name in {*names, *in_the_lab()}]:
        os.environ[LAB_VARIABLE] = " ".join(found)


def in_the_lab() -> tuple[str, ...]:
    """The modes of lab/ that were named."""
    return tuple(os.environ.get(LAB_VARIABLE, "").split())


def environment() -> dict[str, str]:
    """The variable that makes a process in another folder use the same file."""
    return {VARIABLE: str(file() or "")} if VARIABLE in os.environ else {}


def discover() -> dict[str, Target]:
    """All targets by name: our modes by port, then those of targets.toml, then those that a command line names.
    Raises UsageError for a faulty one."""
    known = in_file()
    if NAMED_VARIABLE in os.environ:
        named = json.loads(os.environ[NAMED_VARIABLE])
        found = config_file.targets_of(named["tables"], Path(named["here"]), frozenset(known), _LINES)
        known |= {facts.name: Target(facts, external=external) for facts, external in found}
    return known


def in_file() -> dict[str, Target]:
    """Our modes, and the targets of targets.toml. Raises UsageError for a faulty file."""
    modes, path = _modes(), file()
    found = config_file.read(path, frozenset(modes)) if path else []
    return modes | {facts.name: Target(facts, external=external) for facts, external in found}


def file_to_name(names: Iterable[str]) -> Path | None:
    """The file that a command has to name (TARGETS=) to know these targets, from the checkout on where it lies there.

    None where they need none, or the checkout's own.
    """
    path, known = file(), in_file()
    if path in (None, DEFAULT_FILE) or not any(name in known and known[name].external for name in names):
        return None
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def _modes() -> dict[str, Target]:
    return {
        facts.name: Target(
            TargetFacts(
                name=facts.name,
                port=facts.port,
                summary=facts.summary,
                copies=facts.copies,
                options={option.name: option.default_bytes for option in facts.options},
                tls=facts.tls,
            ),
            facts.options,
        )
        for facts in (*discovery.discover().values(), *(discovery.import_mode(name)[0] for name in in_the_lab()))
    }


def _in_the_examples(name: str) -> str:
    """Where a server of the ready-made examples is named without their file; empty for any other name."""
    text = EXAMPLES.read_text() if EXAMPLES.exists() else ""
    known = re.search(rf"^\[{re.escape(name)}\]", text, re.MULTILINE)
    return f" without TARGETS={EXAMPLES.relative_to(PROJECT)}, which has it" if known else ""


def choose(names: list[str]) -> list[Target]:
    """The targets of these names, in this order. Raises UsageError for an unknown or repeated name."""
    targets = discover()
    for name in names:
        if name not in targets:
            given = f", with {file()}" if file() else "; a server of your own is named by COMMAND= or in a targets.toml"
            given += "; options are for make load, gate and prove" if "@" in name else ""
            near = _in_the_examples(name) or suggestion(name, [*targets, *discovery.lab_names()])
            raise UsageError(f"there is no mode {name!r}{near} (the modes are {', '.join(targets)}{given})")
    if len(set(names)) < len(names):
        raise UsageError(f"a mode is measured once per round: {' '.join(names)}")
    return [targets[name] for name in names]


def own_ports(names: Iterable[str]) -> dict[str, int]:
    """The ports of those among these that are modes of ours."""
    return {name: target.facts.port for name, target in _modes().items() if name in set(names)}


def listener_clock(port: int) -> Callable[[], float] | None:
    """Reads the CPU seconds of the process that listens on this TCP port, or raises ProcessLookupError.

    None when there is none, or it is another user's.
    """
    return next((partial(cpu_s, pid) if pid else None for pid in listeners(port)), None)
