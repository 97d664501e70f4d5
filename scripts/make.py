"""make COMMAND: what stands behind make's targets. It turns make's variables into arguments and starts the command.

Its rule: a variable on make's command line that the command does not know is refused, with a suggestion, before
anything is started or written.
"""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import knobs
from errors import EXIT_DONE, UsageError, run_command, suggestion

OF_THE_MAKEFILE = ("PYTHON", "VENV")
MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"


@dataclass(frozen=True, slots=True)
class Command:
    """program: what `python -m` starts. serves: whether the test file is to be there. positional: knobs that it takes
    without their names."""

    program: tuple[str, ...]
    serves: bool = False
    positional: tuple[str, ...] = ()


COMMANDS = {
    "load": Command(("scripts.load",), serves=True),
    "sweep": Command(("scripts.sweep",)),
    "ui": Command(("locust", "-f", "locustfile.py"), serves=True),
    "agent": Command(("profiles.agent",), serves=True),
    "servers": Command(("servers",), serves=True, positional=("MODES",)),
    "test-file": Command(("servers.payload",)),
    "doctor": Command(("scripts.doctor",)),
    "prove": Command(("scripts.prove",)),
    "crosscheck": Command(("scripts.crosscheck",), serves=True),
    "report": Command(("reports",), positional=("RUN",)),
    "open": Command(("scripts.open",), positional=("RUN",)),
    "runs": Command(("scripts.runs",)),
    "compare": Command(("scripts.compare",), positional=("B", "A")),
    "gate": Command(("scripts.gate",)),
    "export": Command(("scripts.export",), positional=("RUN",)),
    "reproduce": Command(("scripts.reproduce",), positional=("REPORT",)),
    "bench": Command(("tests.bench",)),
    "soak": Command(("tests.soak",)),
    "fuzz": Command(("tests.fuzz",)),
    "screenshots": Command(("tests.screenshots",), positional=("RUN",)),
}


def main() -> int:
    """The exit code of help and of check; whatever else is asked for takes the place of this process."""
    if sys.argv[1:] == ["help"]:
        return _help()
    if sys.argv[1:2] == ["check"]:
        for goal in {*sys.argv[2:]} & {*COMMANDS}:
            _check(goal)
        return EXIT_DONE
    if len(sys.argv) != 2:
        raise UsageError(f"python -m scripts.make COMMAND, which is help or one of {', '.join(COMMANDS)}")
    if sys.argv[1] not in COMMANDS:
        near = suggestion(sys.argv[1], re.findall(r"^## ([a-z-]+): ", MAKEFILE.read_text(), re.MULTILINE))
        raise UsageError(f"there is no command {sys.argv[1]}{near} (`make` lists them)")
    name = sys.argv[1]
    command = COMMANDS[name]
    _check(name)
    variables = dict(os.environ)
    variables.pop("TARGETS", None)  # every process reads it from the environment (profiles/targets/catalog.py)
    if command.serves:
        size = variables.pop("SIZE", "") or default_size(variables.get("PACE", ""))
        make_file = [sys.executable, "-m", "servers.payload", f"--size={size}"]
        if not variables.get("AGENT") and (code := subprocess.run(make_file, check=False).returncode):
            return code
    words = knobs.arguments(name, variables, command.positional)
    sys.stdout.flush()
    return os.execv(sys.executable, [sys.executable, "-m", *command.program, *words])


def _check(name: str) -> None:
    """Raises UsageError for a variable that is no knob of this command, or no value of its knob."""
    knobs.refuse_unknown(name, [each for each in given_to_make() if each not in OF_THE_MAKEFILE])
    knobs.check_texts(name, os.environ)


def given_to_make() -> list[str]:
    """The variables on make's command line, which it hands down in MAKEFLAGS behind two dashes."""
    _, _, words = f" {os.environ.get('MAKEFLAGS', '')}".partition(" -- ")
    return [word.partition("=")[0].rstrip(":?+") for word in shlex.split(words)]


def default_size(pace: str) -> str:
    """The size of the test file; at a pace small, so that a hundred downloads and more start in every window."""
    return "32MiB" if pace in ("", "saturated") else "1MiB"


def _help() -> int:
    print("Knobs, as in `make load ROUNDS=12 SINK=copy`:")
    for knob in knobs.KNOBS.values():
        said = {command: knob.describe(command) for command in knob.of}
        for text in dict.fromkeys(said.values()):
            commands = " ".join(command for command in knob.of if said[command] == text)
            print(f"  {knob.name:<17} {text} [make {commands}]")
    return EXIT_DONE


if __name__ == "__main__":
    run_command(main)
