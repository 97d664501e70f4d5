"""The usual load generators, over three data paths: each request they count was answered in full."""

import re
from pathlib import Path

import pytest

from tests.servers.conftest import FILE_BYTES
from tests.servers.test_clients import run
from tests.servers.test_clients import url as url  # the fixture

FILES, CONNECTIONS = 40, 4

COUNT_BYTES = """
done = function(summary)
  local e = summary.errors
  print(summary.requests, summary.bytes, e.connect + e.read + e.write + e.status + e.timeout)
end
"""

pytestmark = pytest.mark.parametrize("url", ["sendfile", "mmap-send", "tls-send"], indirect=True)


def test_wrk(url: str, tmp_path: Path) -> None:
    script = tmp_path / "count.lua"
    script.write_text(COUNT_BYTES)
    said = run("wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", script, f"{url}/file.bin").decode()
    requests, received_bytes, errors = (int(word) for word in said.splitlines()[-1].split())
    assert errors == 0 and "Non-2xx" not in said
    assert requests > 0
    in_flight_bytes = CONNECTIONS * (FILE_BYTES + 1000)  # with their heads, which are below 1,000 bytes
    assert requests * FILE_BYTES < received_bytes < requests * (FILE_BYTES + 1000) + in_flight_bytes


@pytest.mark.parametrize("pipelined", [1, 5])
def test_h2load(url: str, pipelined: int) -> None:
    options = ["--h1", f"-n{FILES}", f"-c{CONNECTIONS}", f"-m{pipelined}"]
    said = run("h2load", *options, f"{url}/file.bin").decode()
    assert f"{FILES} done, {FILES} succeeded, 0 failed, 0 errored, 0 timeout" in said
    assert f"status codes: {FILES} 2xx, 0 3xx, 0 4xx, 0 5xx" in said
    assert f"({FILES * FILE_BYTES}) data" in said


@pytest.mark.parametrize("options", [[], ["-k"]], ids=["closing", "keeping"])
def test_ab(url: str, options: list[str]) -> None:
    said = run("ab", "-q", f"-n{FILES}", f"-c{CONNECTIONS}", *options, f"{url}/file.bin").decode()
    assert re.search(rf"Complete requests: +{FILES}\n", said)
    assert re.search(r"Failed requests: +0\n", said)
    assert "Non-2xx" not in said
    assert re.search(rf"HTML transferred: +{FILES * FILE_BYTES} bytes", said)
    assert re.search(rf"Keep-Alive requests: +{FILES}\n", said) or not options
