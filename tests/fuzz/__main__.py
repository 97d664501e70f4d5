"""python -m tests.fuzz [--minutes 1] [--input FILE]: see tests/fuzz/__init__.py.

Exit code 1 when the rule does not hold; what it does not hold for is kept, and named.
"""

import argparse
import importlib.util
import platform
import re
import subprocess
import sys
from pathlib import Path

from errors import EXIT_DONE, CommandParser, UsageError, UserError, run_command
from tests.conftest import PROJECT
from tests.fuzz import seeds
from tests.fuzz.rule import broken

FOLDER = PROJECT / "build" / "fuzz"
SLOW_S = 10  # an input that takes longer is a finding


def main() -> int:
    arguments = _parse()
    if arguments.input is not None:
        return _ask(arguments.input)
    if importlib.util.find_spec("atheris") is None:
        machine = f"Python {platform.python_version()} on {platform.machine()}"
        print(f"skipped: there is no fuzzer for {machine}: atheris has no wheel for it, or could not be installed")
        return EXIT_DONE
    return _fuzz(arguments.minutes)


def _parse() -> argparse.Namespace:
    parser = CommandParser(prog="python -m tests.fuzz", description="A coverage-guided fuzzer over the head parser.")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: %(default)g)")
    parser.add_argument("--input", type=Path, help="only ask whether the rule holds for what is in this file")
    arguments = parser.parse_args()
    if not 1 / 60 <= arguments.minutes <= 24 * 60:
        raise UsageError(f"--minutes {arguments.minutes:g}: at least a second (0.017), and at most a day")
    return arguments


def _ask(path: Path) -> int:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}; give a file of bytes as a connection sends them"
        ) from error
    if wrong := broken(data):
        raise UserError(f"the rule does not hold for {path}: {wrong}")
    print(f"the rule holds for {path}: {len(data)} bytes")
    return EXIT_DONE


def _fuzz(minutes: float) -> int:
    count = seeds.write(FOLDER)
    corpus, log = FOLDER / "corpus", FOLDER / "log"
    corpus.mkdir(exist_ok=True)
    print(f"{count} seeds, {len(list(corpus.iterdir()))} inputs of earlier runs, {minutes:g} minutes …", flush=True)
    before = set(seeds.found())
    command = [sys.executable, "-m", "tests.fuzz.target", str(corpus), str(FOLDER / "seeds")]
    command += [f"-max_total_time={round(minutes * 60)}", f"-timeout={SLOW_S}", "-print_final_stats=1"]
    command += [f"-dict={FOLDER / 'words'}", f"-artifact_prefix={seeds.FOUND}/"]
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT, check=False)
    said = log.read_text(errors="replace")
    if done.returncode:
        raise UserError(_what_was_found(said, set(seeds.found()) - before, log))
    inputs = re.findall(r"stat::number_of_executed_units: *(\d+)", said)
    branches = re.findall(r" cov: (\d+)", said)
    if not inputs or not branches:
        raise UserError(f"the fuzzer ended without a word on what it did: see {log}")
    print(f"the rule held for {int(inputs[-1]):,} inputs, which took {branches[-1]} branches of servers/")
    return EXIT_DONE


def _what_was_found(said: str, found: set[Path], log: Path) -> str:
    errors = re.findall(r"^(?:\w+\.)*\w*(?:Error|Exception): .*", said, re.MULTILINE)
    what = errors[-1][:1000] if errors else f"the fuzzer failed: see {log}"
    if not found:
        return what
    path = min(found)
    return f"{what}; the input is kept: make fuzz INPUT={path.relative_to(PROJECT)}"


if __name__ == "__main__":
    run_command(main)
