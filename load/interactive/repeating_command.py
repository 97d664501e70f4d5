"""The command that repeats a load by hand without a browser: `locust … --headless`.

Its rule: it asks for what was asked for, and ends after as long as this load took. Where a LoadTestShape set the number
of users, and ended the load, the command leaves both to it.
"""

import json
import shlex
from argparse import Namespace

from load.agent.options import given_options
from load.users.pacing import PaceSpec, format_pace


def repeating_command(
    options: Namespace, users: int, seconds: float, rate_bytes_per_s: int | None, shape: str | None
) -> str:
    """options: Locust's, as they were at the start. users: at most. shape: the name of its class, where there is one.
    The names of the user classes go behind it."""
    words = ["locust", "-f", options.locustfile, "--headless"]
    if shape is None:
        words += ["-u", str(users), "-r", f"{min(options.spawn_rate or users, users):g}"]
        words += ["-t", f"{max(1, round(seconds))}s"]
    if settings := [json.dumps(each) for given in options.config_users or () for each in given]:
        words += ["--config-users", *settings]
    words += ["--equal-weights"] if options.equal_weights else []
    for option in ("stop-timeout", "profile"):
        if value := getattr(options, option.replace("-", "_")):
            words += [f"--{option}", str(value)]
    words += ["--sink", options.sink, *given_options(options)]
    if rate_bytes_per_s is not None:
        words += ["--pace", format_pace(PaceSpec(False, rate_bytes_per_s))]
    return shlex.join(words)
