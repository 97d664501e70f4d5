"""python -m tests.fuzz [--minutes 1] [--target NAME] [--input FILE]: see tests/fuzz/__init__.py.

The head parser is fuzzed for the minutes given, each of the other targets with INPUTS inputs. Exit code 1 when the
rule does not hold; what it does not hold for is kept, and named.
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

FOLDER = PROJECT / "build" / "fuzz"
INPUTS = 100_000
SLOW_S = 10  # an input that takes longer is a finding


def main() -> int:
    arguments = _parse()
    if arguments.input is not None:
        return _ask(arguments.input, arguments.target or arguments.input.name.partition("-")[0])
    if importlib.util.find_spec("atheris") is None:
        machine = f"Python {platform.python_version()} on {platform.machine()}"
        print(f"skipped: there is no fuzzer for {machine}: atheris has no wheel for it, or could not be installed")
        return EXIT_DONE
    for name in [arguments.target] if arguments.target else seeds.TARGETS:
        _fuzz(name, arguments.minutes)
    return EXIT_DONE


def _parse() -> argparse.Namespace:
    parser = CommandParser(prog="python -m tests.fuzz", description="A coverage-guided fuzzer over what peers send.")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (default: %(default)g)")
    parser.add_argument("--target", choices=seeds.TARGETS, help="only this one (default: all, one after the other)")
    parser.add_argument("--input", type=Path, help="only ask whether the rule holds for what is in this file")
    arguments = parser.parse_args()
    if not 1 / 60 <= arguments.minutes <= 24 * 60:
        raise UsageError(f"--minutes {arguments.minutes:g}: at least a second (0.017), and at most a day")
    return arguments


def _ask(path: Path, name: str) -> int:
    name = name if name in seeds.TARGETS else seeds.TARGETS[0]
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot read {path}: {error.strerror}; give a file of bytes as a connection sends them"
        ) from error
    if wrong := seeds.target(name).broken(data):
        raise UserError(f"the rule does not hold for {path}: {wrong}")
    print(f"the rule holds for {path}: {len(data)} bytes")
    return EXIT_DONE


def _fuzz(name: str, minutes: float) -> None:
    folder = FOLDER / name
    count = seeds.write(name, folder)
    corpus, log = folder / "corpus", folder / "log"
    corpus.mkdir(exist_ok=True)
    how_long = f"{minutes:g} minutes" if name == seeds.TARGETS[0] else f"{INPUTS:,} inputs"
    print(f"{name}: {count} seeds, {len(list(corpus.iterdir()))} inputs of earlier runs, {how_long} …", flush=True)
    before = set(seeds.found(name))
    command = [sys.executable, "-m", "tests.fuzz.target", name, str(corpus), str(folder / "seeds")]
    command += [f"-max_total_time={round(minutes * 60)}" if name == seeds.TARGETS[0] else f"-runs={INPUTS}"]
    command += [f"-timeout={SLOW_S}", "-print_final_stats=1"]
    command += [f"-dict={folder / 'words'}", f"-artifact_prefix={seeds.FOUND}/{name}-"]
    with log.open("wb") as output:
        done = subprocess.run(command, cwd=PROJECT, stdout=output, stderr=subprocess.STDOUT, check=False)
    said = log.read_text(errors="replace")
    if done.returncode:
        raise UserError(_what_was_found(said, set(seeds.found(name)) - before, log))
    inputs = re.findall(r"stat::number_of_executed_units: *(\d+)", said)
    branches = re.findall(r" cov: (\d+)", said)
    if not inputs or not branches:
        raise UserError(f"the fuzzer ended without a word on what it did: see {log}")
    print(f"{name}: the rule held for {int(inputs[-1]):,} inputs, which took {branches[-1]} branches")


def _what_was_found(said: str, found: set[Path], log: Path) -> str:
    errors = re.findall(r"^(?:\w+\.)*\w*(?:Error|Exception): .*", said, re.MULTILINE)
    what = errors[-1][:1000] if errors else f"the fuzzer failed: see {log}"
    if not found:
        return what
    path = min(found)
    return f"{what}; the input is kept: make fuzz INPUT={path.relative_to(PROJECT)}"


if __name__ == "__main__":
    run_command(main)
