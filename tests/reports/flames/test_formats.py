"""A profile in every format holds what was sampled. tests/readers opens the same files with the tools they are for."""

import dataclasses
import json
from typing import Any

import pytest

from reports.flames.formats.firefox import firefox
from reports.flames.formats.pprof import _bytes, _numbers
from reports.flames.formats.sampled_stacks import Place, SampledStacks, place
from reports.flames.formats.table import FORMATS, ProfileFormat
from tests.reports.test_hostile import HOSTILE

COUNTS = {
    ("serve (server.py:9)_[p]", "send (modes/a b.py:24)_[p]", "send_fn", f"{HOSTILE}_[k]"): 3,
    ("serve (server.py:9)_[p]", "send (modes/a b.py:25)_[p]"): 1,
    ("kworker (not a file.py:1)_[k]",): 2,
}


def sampled(ms_per_sample: float | None = 2.5, mode: str = "sendfile") -> SampledStacks:
    return SampledStacks(mode, "perf", COUNTS, ms_per_sample, "2025-03-01T12:00:00+00:00", {"run": HOSTILE})


def spelled(whole: Any, stack: int) -> list[tuple[str, str | None, int | None]]:
    """A stack of the Firefox Profiler's, root first: function, file, line."""
    shared, at, step = whole["shared"], stack, 1
    found: list[tuple[str, str | None, int | None]] = []
    while step:
        frame = shared["stackTable"]["frame"][at]
        function = shared["frameTable"]["func"][frame]
        source = shared["funcTable"]["source"][function]
        file = None if source is None else shared["stringArray"][shared["sources"]["filename"][source]]
        name = shared["stringArray"][shared["funcTable"]["name"][function]]
        found.insert(0, (name, file, shared["frameTable"]["line"][frame]))
        step = shared["stackTable"]["prefixOffset"][at]
        at -= step
    return found


def test_every_stack_of_the_firefox_profiler_s_spells_what_was_sampled() -> None:
    whole = json.loads(firefox(sampled()))
    samples = whole["threads"][0]["samples"]
    assert [spelled(whole, stack) for stack in samples["stack"]] == [
        [("serve", "server.py", 9), ("send", "modes/a b.py", 24), ("send_fn", None, None), (HOSTILE, None, None)],
        [("serve", "server.py", 9), ("send", "modes/a b.py", 25)],
        [("kworker (not a file.py:1)", None, None)],
    ]
    assert (samples["weight"], samples["weightType"]) == ([7.5, 2.5, 5.0], "tracing-ms")
    assert samples["time"] == [0, 7.5, 10.0], "never two at a time"
    colours = [whole["meta"]["categories"][at]["name"] for at in whole["shared"]["frameTable"]["category"]]
    assert colours == ["Python", "Python", "C", "Kernel", "Python", "Kernel"]


def test_every_column_of_its_tables_is_as_long_as_its_table() -> None:
    whole = json.loads(firefox(sampled(None)))
    thread = whole["threads"][0]
    assert thread["samples"]["weightType"] == "samples"
    tables = [table for table in whole["shared"].values() if isinstance(table, dict)]
    for table in (*tables, thread["samples"], thread["markers"]):
        columns = [column for column in table.values() if isinstance(column, list)]
        assert columns and {len(column) for column in columns} == {table["length"]}


def test_pprof_is_encoded_as_the_documentation_of_protobuf_has_it() -> None:
    """Its examples: the field 1 with 150, and the field 2 with "testing"."""
    assert _numbers(1, 150) == bytes.fromhex("089601")
    assert _bytes(2, b"testing") == bytes.fromhex("120774657374696e67")


@pytest.mark.parametrize(
    ("frame", "parts"),
    [
        ("send (a.py:24)_[p]", Place("send", "a.py", 24)),
        ("send (servers/a.py)_[p]", Place("send", "servers/a.py")),
        ("<module> (a (b).py:1)_[p]", Place("<module> (a (b).py:1)")),
        ("operator() (x.cc:3)", Place("operator() (x.cc:3)")),
        ("tcp_sendmsg_[k]", Place("tcp_sendmsg")),
    ],
)
def test_only_a_line_of_python_has_a_file(frame: str, parts: Place) -> None:
    assert place(frame) == parts


@pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)
def test_a_format_takes_any_name_with_and_without_costs_and_is_the_same_each_time(row: ProfileFormat) -> None:
    for each in (sampled(), sampled(None), sampled(0.001, HOSTILE)):
        assert row.file(each) == row.file(each)
        assert HOSTILE.encode() in row.write(each) or json.dumps(HOSTILE, ensure_ascii=False).encode() in row.write(
            each
        )


@pytest.mark.parametrize("started_at", ["", "yesterday", "0001-01-01", "1969-12-31T00:00:00+00:00"])
def test_a_run_that_began_nobody_knows_when_is_written_all_the_same(started_at: str) -> None:
    each = dataclasses.replace(sampled(), started_at=started_at)
    assert each.started_s == 0 and all(row.write(each) for row in FORMATS)


def test_names_and_endings_tell_formats_apart() -> None:
    for column in ("name", "ending"):
        assert len({getattr(row, column) for row in FORMATS}) == len(FORMATS)
