"""The rule holds for what the fuzzer starts from, and for all that it ever found; and it can be broken."""

from pathlib import Path

import pytest

from servers.http.request_head import HeadParser, Request
from tests.fuzz import seeds
from tests.fuzz.rule import broken
from tests.servers.table import get


def test_the_rule_holds_for_every_seed_and_finding(tmp_path: Path) -> None:
    wrong = {data: why for data in seeds.all_of_them() if (why := broken(data))}
    assert not wrong
    assert seeds.write(tmp_path) == len(list((tmp_path / "seeds").iterdir())) > 100


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
