"""make lab-check: tries a data path of lab/ as the test suite tries ours, proves what it does, and races it.

Its rule: it stops at the first step that fails and says what to look at, since what comes later builds on it.
Exit codes: 0 all holds, 1 a step failed, 2 wrong usage, 130 interrupted.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from errors import UserError, run_command
from interpreter import PYTHON
from profiles.checks.prove_mode import prove
from profiles.contract import apart
from profiles.targets import catalog
from scripts.common_arguments import FOLDERS, MOST_CALLS, parser_of, served_folder

RIVAL, OTHER_RIVAL = "sendfile", "read-send"
AT_CALLS = "what its system calls return: `strace -f` shows them"
AT_COPIES = "copies in MODE: is the model wrong, or does send_file do something else than was meant?"
IN_THE_RACE = "a download that fails here and not above: look at what several threads share"


def main() -> int:
    arguments = parser_of("lab-check", __doc__, *FOLDERS, "--root").parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # ends what runs, as Ctrl-C does
    name = arguments.name
    for check, wrong in apart.run_all(name):
        _say(check.what, wrong, check.look_at)
    catalog.use_lab([name])
    _prove(name, served_folder(arguments))
    return _race(name, arguments)


def _prove(name: str, root: Path) -> None:
    proof = prove(catalog.discover()[name], root)
    _say("its proof can be made", proof.refusal, AT_CALLS)
    _say(f"it does what its model says: {proof.model_copies} copies by the CPU", proof.contradiction, AT_COPIES)
    calls = proof.calls_reason or proof.list_calls(MOST_CALLS, "{:,.0f}".format)
    print(f"          system calls per GiB: {calls}")


def _race(name: str, arguments: argparse.Namespace) -> int:
    """make load in the place of this process, whose exit code it gives."""
    rival = OTHER_RIVAL if name == RIVAL else RIVAL
    print(f"  race    against {rival}, in about 20 s ({IN_THE_RACE})", flush=True)
    words = ["--modes", rival, name, f"--baseline={rival}", "--quick=1", f"--wait={arguments.wait:d}"]
    given = {option: getattr(arguments, option[2:].replace("-", "_")) for option in ("--size", "--root", *FOLDERS)}
    words += [f"{option}={value}" for option, value in given.items() if value is not None]
    return os.execv(sys.executable, [*PYTHON, "-m", "scripts.load", *words])


def _say(what: str, wrong: str | None, look_at: str) -> None:
    """Raises UserError where something is wrong."""
    print(f"  {'ok    ' if wrong is None else 'FAILED'}  {what}", flush=True)
    if wrong is not None:
        raise UserError(f"{wrong}; look at {look_at}")


if __name__ == "__main__":
    run_command(main)
