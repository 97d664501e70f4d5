"""make COMMAND: what stands behind make's targets. It turns make's variables into arguments and starts the command.

Its rule: a variable on make's command line that the command does not know is refused, with a suggestion, before
anything is started or written.
"""

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import knobs
from errors import EXIT_DONE, EXIT_INTERRUPTED, UsageError, remedy, run_command, suggestion
from interpreter import PYTHON
from scripts.ownership import give_to_owner, made_in, make_for_owner, owner

PR_SET_PDEATHSIG = 1
MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"
OF_THE_MAKEFILE = {
    "PYTHON": "the Python that .venv is made with",
    "VENV": "the environment to run in: .venv, or one of your own, which is used as it is",
    "OUT": "the folder below which data, profiles/out and reports/out lie (default: the checkout)",
}
FOLDERS = {
    "root": "data",
    "runs-folder": "profiles/out",
    "reports-folder": "reports/out",
}  # an option for each, below OUT
_RUNS = ("runs-folder", "reports-folder")


@dataclass(frozen=True, slots=True)
class Command:
    """program: what `python -m` starts. serves: the test file of SIZE. positional: knobs that it takes without their
    names. folders: those of FOLDERS that it takes."""

    program: tuple[str, ...]
    serves: bool = False
    positional: tuple[str, ...] = ()
    folders: tuple[str, ...] = ("root",)


COMMANDS = {
    "load": Command(("scripts.load",), serves=True, folders=tuple(FOLDERS)),
    "course": Command(("scripts.course",), folders=tuple(FOLDERS)),
    "sweep": Command(("scripts.sweep",), folders=tuple(FOLDERS)),
    "ui": Command(("locust", "-f", "locustfile.py"), serves=True, folders=tuple(FOLDERS)),
    "agent": Command(("profiles.agent",), serves=True),
    "servers": Command(("servers",), serves=True, positional=("MODES",)),
    "test-file": Command(("servers.payload",), serves=True),
    "doctor": Command(("scripts.doctor",)),
    "prove": Command(("scripts.prove",), serves=True),
    "lab": Command(("scripts.lab",), folders=()),
    "lab-check": Command(("scripts.lab_check",), serves=True, folders=tuple(FOLDERS)),
    "target": Command(("scripts.target",), folders=()),
    "crosscheck": Command(("scripts.crosscheck",), serves=True),
    "report": Command(("reports",), positional=("RUN",), folders=_RUNS),
    "open": Command(("scripts.open",), positional=("RUN",), folders=("reports-folder",)),
    "runs": Command(("scripts.runs",), folders=_RUNS),
    "compare": Command(("scripts.compare",), folders=_RUNS),
    "class": Command(("scripts.class_page",), positional=("REPORTS",), folders=("reports-folder",)),
    "gate": Command(("scripts.gate",), folders=_RUNS),
    "export": Command(("scripts.export",), positional=("RUN",), folders=_RUNS),
    "reproduce": Command(("scripts.reproduce",), positional=("REPORT",), folders=tuple(FOLDERS)),
    "bench": Command(("tests.bench",), folders=()),
    "soak": Command(("tests.soak",), folders=()),
    "fuzz": Command(("tests.fuzz",), folders=()),
    "servers-table": Command(("tests.servers_table",), positional=("RUN",), folders=("runs-folder",)),
    "screenshots": Command(("tests.screenshots",), positional=("RUN",), folders=("runs-folder",)),
}


def main() -> int:
    """The exit code of help and of check; whatever else is asked for takes the place of this process."""
    if sys.argv[1:] == ["help"]:
        return _help()
    if sys.argv[1:2] == ["check"]:
        _check(*sys.argv[2:])
        return EXIT_DONE
    if len(sys.argv) != 2:
        raise UsageError(f"python -m scripts.make COMMAND, which is help or one of {', '.join(COMMANDS)}")
    if sys.argv[1] not in COMMANDS:
        near = suggestion(sys.argv[1], re.findall(r"^## ([a-z-]+): ", MAKEFILE.read_text(), re.MULTILINE))
        raise UsageError(f"there is no command {sys.argv[1]}{near} (`make` lists them)")
    name = sys.argv[1]
    command = COMMANDS[name]
    _check(name)
    folders = below_out(os.environ.get("OUT", ""))
    variables = _variables()
    variables.pop("TARGETS", None)  # every process reads it from the environment (profiles/targets/catalog.py)
    if name == "ui":
        variables = _with_users(variables)
    words = [*knobs.arguments(name, variables, command.positional), *_options(folders, *command.folders)]
    if folders and command.serves and not (variables.get("SIZE") or variables.get("AGENT")):
        words.append(f"--size={default_size(variables.get('PACE', ''))}")  # a root alone is served as it is
    sys.stdout.flush()
    end_with_make()
    return _run([*PYTHON, "-m", *command.program, *words], folders)


def _variables() -> dict[str, str]:
    """All of the environment, but COMMAND and the like only from make's command line: an exported URL is for others."""
    given, several = given_to_make(), [knob for knob in knobs.KNOBS.values() if knob.several]
    named = {name for name in os.environ if name not in given and any(knob.is_named(name) for knob in several)}
    return {name: text for name, text in os.environ.items() if name not in named}


def _with_users(variables: dict[str, str]) -> dict[str, str]:
    """The variables without COMMAND, which is in force then: Locust makes its users before it reads arguments."""
    from profiles.targets import catalog  # not above: `make help` knows no packages yet

    commands = knobs.KNOBS["COMMAND"]
    catalog.use_lines(commands.texts(variables), ())
    return {name: text for name, text in variables.items() if not commands.is_named(name)}


def below_out(out: str) -> Mapping[str, Path]:
    """Where OUT says that things lie, by the option that says so; empty where it says nothing. Raises UsageError."""
    if not out:
        return {}
    folders = {option: Path(out).absolute() / name for option, name in FOLDERS.items()}
    try:
        for folder in folders.values():
            make_for_owner(folder)
    except OSError as error:
        raise UsageError(f"OUT={out}: {error.filename}: {error.strerror}; {remedy(error)}") from error
    return folders


def _options(folders: Mapping[str, Path], *names: str) -> list[str]:
    return [f"--{name}={folders[name]}" for name in names if name in folders]


def _run(command: list[str], folders: Mapping[str, Path]) -> int:
    """The command in the place of this process; but where root works for a user, below it, until it has ended."""
    if owner() is None:
        return os.execv(sys.executable, command)
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: process.send_signal(number))
    signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to both
    try:
        code = process.wait()
        return code if code >= 0 else 128 - code  # as a shell says it
    finally:
        give_to_owner(*made_in(), *folders.values())


def _check(*goals: str) -> None:
    """Raises UsageError for a variable that is a knob of none of them, or no value of its knob."""
    known = {name for name in given_to_make() for goal in goals for knob in knobs.of(goal) if knob.is_named(name)}
    unknown = [name for name in given_to_make() if name not in {*OF_THE_MAKEFILE, *known}]
    knobs.refuse_unknown(goals[0], unknown)
    for goal in goals:
        knobs.check_texts(goal, os.environ)


def end_with_make() -> None:
    """When make is killed, whatever it started gets SIGTERM and ends in order, also after exec (prctl(2))."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it was killed just before
        sys.exit(EXIT_INTERRUPTED)


def given_to_make() -> list[str]:
    """The variables on make's command line, which it hands down in MAKEFLAGS behind two dashes."""
    _, _, words = f" {os.environ.get('MAKEFLAGS', '')}".partition(" -- ")
    return [word.partition("=")[0].rstrip(":?+") for word in re.split(r"(?<!\\) ", words) if word]


def default_size(pace: str) -> str:
    """The size of the test file; at a pace small, so that a hundred downloads and more start in every window."""
    return "32MiB" if pace in ("", "saturated") else "1MiB"


def _help() -> int:
    print("Knobs, as in `make load ROUNDS=12 SINK=copy`:")
    for knob in knobs.KNOBS.values():
        commands: dict[str, list[str]] = {}  # by default
        for command in knob.of:
            commands.setdefault(knob.default_text(command), []).append(command)
        told = "".join(f"{default} [make {' '.join(names)}]" for default, names in commands.items())
        print(f"  {knob.name:<17} {knob.summary}{told}")
    print("and with every command:")
    for name, text in OF_THE_MAKEFILE.items():
        print(f"  {name:<17} {text}")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
