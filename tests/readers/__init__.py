"""The readers that profiles are made for, each with what it takes from a file: what people see is what was written.

Its rule: nothing is downloaded by a test. `make test-all` installs what package-lock.json pins; Go's pprof comes with
Go (Debian: golang-go). Without a reader its tests are skipped, and a mark says why.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import browser
from tests.browser import Browser

PACKAGES = Path(__file__).parent / "node_modules"
NODE = shutil.which("node")
SPEEDSCOPE = PACKAGES / "speedscope" / "dist" / "release" / "index.html"
PROFILER_CLI = PACKAGES / "@firefox-devtools" / "profiler-cli" / "dist" / "profiler-cli.js"
PPROF_FORMAT = PACKAGES / "pprof-format" / "dist" / "commonjs" / "index.js"
GO = shutil.which("go")
TIMEOUT_S = 60
_DECODE = """
const { Profile } = require(process.argv[1]);
const profile = Profile.decode(require("node:zlib").gunzipSync(require("node:fs").readFileSync(process.argv[2])));
const text = (at) => profile.stringTable.strings[Number(at)];
const find = (rows, id) => rows.find((row) => row.id === id);
console.log(JSON.stringify({
  types: profile.sampleType.map(({ type, unit }) => [text(type), text(unit)]),
  preferred: text(profile.defaultSampleType),
  comments: profile.comment.map(text),
  samples: profile.sample.map(({ locationId, value }) => [locationId.map((id) => {
    const [line] = find(profile.location, id).line;
    const { name, filename } = find(profile.function, line.functionId);
    return [text(name), text(filename), Number(line.line)];
  }), value.map(Number)]),
}));
"""


def _needed(*paths: Path, program: str | None = NODE, of: str = "Node.js") -> pytest.MarkDecorator:
    missing = [path.relative_to(PACKAGES).parts[0] for path in paths if not path.exists()]
    reason = f"{', '.join(missing)} is not installed: `npm ci` in tests/readers installs it" if missing else None
    reason = reason if program else f"{of} is not installed, and a reader of profiles needs it"
    return pytest.mark.skipif(reason is not None, reason=reason or "")


speedscope_needed = pytest.mark.skipif(
    browser.missing() is not None or not SPEEDSCOPE.exists(),
    reason=browser.missing() or "speedscope is not installed: `npm ci` in tests/readers installs it",
)
profiler_cli_needed = _needed(PROFILER_CLI)
pprof_format_needed = _needed(PPROF_FORMAT)
go_needed = _needed(program=GO, of="Go (Debian: golang-go)")


@dataclass(frozen=True, slots=True)
class Cost:
    """total and own: a function's share as the reader prints it, with the functions that it called, and without."""

    total: str
    own: str


def speedscope(chromium: Browser, file: Path, scratch: Path) -> tuple[str, dict[str, Cost]]:
    """The title, and the costs by function, of its sandwich view. scratch: a folder."""
    script = scratch / f"{file.name}.js"
    content = base64.b64encode(file.read_bytes()).decode()
    script.write_text(f"speedscope.loadFileFromBase64({json.dumps(file.name)}, {json.dumps(content)})")
    chromium.show("about:blank")
    chromium.show(f"{SPEEDSCOPE.as_uri()}#localProfilePath={script}")  # as its own command line does
    chromium.wait_for("document.title !== 'speedscope'")
    title = str(chromium.run("return document.title")).removesuffix(" - speedscope")
    chromium.run("window.dispatchEvent(new KeyboardEvent('keypress', { key: '3' }))")
    chromium.wait_for("document.querySelectorAll('tr').length > 1")
    rows = [row.text.split("\n") for row in chromium.all("tr")[1:]]
    return title, {name: Cost(total, own) for total, own, name in rows}


def profiler_cli(file: Path, session: Path, *queries: Sequence[str]) -> list[Any]:
    """What the Firefox Profiler answers to queries about a profile, from JSON. session: a folder with a short path."""

    def ask(*words: str) -> str:
        found = subprocess.run(
            [str(NODE), str(PROFILER_CLI), *words],
            env={"PROFILER_CLI_SESSION_DIR": str(session), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    try:
        ask("load", str(file))
        return [json.loads(ask(*query, "--json")) for query in queries]
    finally:
        ask("stop", "--all")


def pprof_format(file: Path) -> Any:
    """The sample types, the comments, and the samples with their frames (name, file, line), the innermost first."""
    command = [str(NODE), "-e", _DECODE, str(PPROF_FORMAT), str(file)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout)


_TOP_ROW = re.compile(r"^ *(\S+) +\S+% +\S+% +(\S+) +\S+% +(.+)$", re.MULTILINE)


def go_pprof(file: Path, *options: str) -> tuple[str, dict[str, Cost]]:
    """Its table of functions: what stands above it, and the costs by function."""
    command = [str(GO), "tool", "pprof", "-top", "-nodecount=1000", "-nodefraction=0", *options, str(file)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout
    return said, {name: Cost(total, own) for own, total, name in _TOP_ROW.findall(said)}
