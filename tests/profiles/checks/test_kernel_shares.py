"""perf's samples of a server during downloads: shares of telling functions, or one line why there are none."""

import contextlib
import os
from pathlib import Path

import pytest

from errors import UserError
from profiles.checks.kernel_shares import kernel_shares
from profiles.checks.strace import download_some
from profiles.protocol import Start
from profiles.store.sending import KERNEL_MARKS
from profiles.targets.external_server import serving
from profiles.targets.http_probe import Endpoint
from tests.profiles.targets.external_servers import external


def shares(served: Path, *how: str) -> dict[str, float]:
    with serving(external(served, *how), served, Start("external", any_port=True)) as server:
        endpoint = Endpoint(server.host, server.port, "/test-file.bin", tls=False)
        return kernel_shares(server.current_pids(), endpoint, 1 << 20)


def test_what_a_server_does_is_seen_in_the_kernel(served: Path) -> None:
    try:
        found = shares(served, "sendfile")
    except UserError as reason:
        pytest.skip(str(reason))
    assert set(found) == set(KERNEL_MARKS) and all(0 <= share <= 1 for share in found.values())


def test_a_perf_that_fails_is_one_line_and_leaves_nothing(served: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for perf."""
    program = served / "bin" / "perf"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho no luck >&2; exit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(UserError, match="perf could not record: no luck") as refused:
        shares(served)
    assert "\n" not in str(refused.value)


def test_a_server_that_drips_does_not_hold_it_up(served: Path) -> None:
    """Its downloads after the fortieth do not end."""
    with serving(external(served, "drips-later"), served, Start("external", any_port=True)) as server:
        endpoint = Endpoint(server.host, server.port, "/test-file.bin", tls=False)
        for _ in range(41):
            download_some(endpoint, 1, within_s=0.1)
        with contextlib.suppress(UserError):  # perf may not be permitted, or see too little
            kernel_shares(server.current_pids(), endpoint, 1 << 10)
