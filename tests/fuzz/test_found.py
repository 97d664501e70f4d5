"""The rule holds for what the fuzzer starts from, and for all that it ever found; and it can be broken."""

import subprocess
import sys
from pathlib import Path

import pytest

from servers.http.request_head import HeadParser, Request
from tests.conftest import PROJECT
from tests.fuzz import seeds
from tests.fuzz.heads import broken
from tests.servers.table import get


@pytest.mark.parametrize("name", [name for name in seeds.TARGETS if name != "page"])
def test_the_seeds_are_written_for_the_fuzzer(tmp_path: Path, name: str) -> None:
    assert seeds.write(name, tmp_path) == len(list((tmp_path / "seeds").iterdir())) > 20


@pytest.mark.parametrize("name", seeds.TARGETS)
@pytest.mark.parametrize("mutations", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_the_rule_holds_for_every_seed_and_finding_and_for_mutations(name: str, mutations: int) -> None:
    command = [sys.executable, "-m", "tests.fuzz.mutate", name, str(mutations)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=1000)
    assert done.returncode == 0, done.stdout + done.stderr


def accepts_bodies(parser: HeadParser) -> None:
    parser._body = False


def closes_late(parser: HeadParser) -> None:
    parser._keep_alive = True


def loses_its_host(parser: HeadParser) -> None:
    parser._hosts = [b"a"]


@pytest.mark.parametrize(
    ("flaw", "data", "why"),
    [
        (accepts_bodies, get(b"Content-Length: 5"), "accepted without a body"),
        (closes_late, get(b"Connection: close"), "kept alive"),
        (loses_its_host, get(b"Host: b"), "no request to h11"),
    ],
)
def test_a_flaw_in_the_parser_breaks_the_rule(
    monkeypatch: pytest.MonkeyPatch, flaw: object, data: bytes, why: str
) -> None:
    whole = HeadParser.request

    def flawed(parser: HeadParser) -> Request:
        flaw(parser)  # type: ignore[operator]
        return whole(parser)

    assert broken(data) is None
    monkeypatch.setattr(HeadParser, "request", flawed)
    assert why in (broken(data) or "")
