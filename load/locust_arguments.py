"""Our options among those of Locust's command line, and what is refused of Locust's own (docs/locust.md).

Its rule: a knob is described in knobs.py alone; what Locust would take and not do is refused.
"""

import importlib.util
import socket
from argparse import Namespace
from typing import Any

from locust.argument_parser import LocustArgumentParser

import knobs
from errors import UsageError, UserError
from load.agent.options import AGENT_KNOBS
from load.users.connection import SINKS
from ports import require_free
from profiles.targets.catalog import PROJECT

WEB_PORT = "another WEB_PORT (--web-port)"
UI_KNOBS = (knobs.KNOBS["SIZE"], knobs.KNOBS["PORTS"])
FOLDERS = (
    ("runs-folder", "profiles/out", "Where saved runs lie"),
    ("reports-folder", "reports/out", "Where reports lie"),
)


def add_arguments(parser: LocustArgumentParser, **_: Any) -> None:
    """For Locust's event: our options, each with a variable, and our defaults for some of Locust's."""

    def add(name: str, summary: str, in_web_ui: bool = False, **more: Any) -> None:
        variable = f"LOCUST_{name.upper().replace('-', '_')}"
        parser.add_argument(f"--{name}", env_var=variable, include_in_web_ui=in_web_ui, help=summary, **more)

    # Locust's own defaults: every interface, no choice of classes.
    parser.set_defaults(web_host="127.0.0.1", class_picker=True)
    add("sink", "What users do with the bytes", in_web_ui=True, choices=SINKS, default="discard")
    add("pace", "The load that each mode gets: saturated, or a rate like 200MiB/s", in_web_ui=True, default="saturated")
    for name, default, summary in FOLDERS:
        add(name, summary, default=str(PROJECT / default))
    add("root", "Has a folder for each size of test-file.bin (data); alone: served as it is")
    for knob in UI_KNOBS:
        add(knob.attribute, knob.describe("ui"), default=knob.of["ui"], choices=knob.choices or None)
    for knob in AGENT_KNOBS:
        add(knob.option.removeprefix("--"), knob.help, metavar=knob.metavar)
    published = "The host of the web UI as browsers see it, if not --web-host: where a container's port is published"
    add("published-on", published, metavar="HOST")
    add("any-port", "The same as --ports=free", action="store_const", dest="ports", const="free")


def check_free(host: str, port: int) -> None:
    """Raises UserError when the web UI's port is taken, where Locust would print a traceback."""
    require_free({"the web UI": port}, host, WEB_PORT)
    try:
        family, *_, place = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        socket.create_server(place, family=family).close()
    except OSError as error:
        where = f"the web UI cannot listen on {host or 'any address'} port {port}"
        why = (error.strerror or str(error)).partition(" (")[0]  # without the address, which stands before
        raise UserError(f"{where}: {why}; choose {WEB_PORT}, or another --web-host") from error


def refuse_what_locust_would_skip(options: Namespace) -> None:
    """Raises UsageError for options that Locust takes and then does not do."""
    if options.json and options.json_file:
        raise UsageError("--json together with --json-file leaves an empty file in Locust: give one of them")
    if options.otel and importlib.util.find_spec("opentelemetry") is None:
        raise UsageError(
            "--otel needs OpenTelemetry, which is not installed: `pip install 'locust[otel]'` into an environment of "
            "your own (docs/install.md)"
        )
