"""A profile for the Firefox Profiler (https://profiler.firefox.com): its "processed profile format", one thread. Pure.

The format is tables of columns that refer to each other by index; src/types/profile.ts of
https://github.com/firefox-devtools/profiler documents them, docs-developer/CHANGELOG-formats.md what changed. This is
version 70, which newer viewers upgrade as they open it. Samples have weights; the order in which they were taken was
not recorded, so each stack stands once, and the time axis is the sum of the weights before it.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from reports.flames.formats.sampled_stacks import SampledStacks, place
from reports.flames.tree import kind_of

Json = dict[str, Any]
_Row = TypeVar("_Row")

VERSION, GECKO_VERSION = 70, 36
_COLOURS = {"Other": "grey", "Python": "blue", "C": "yellow", "Kernel": "orange", "Kernel, copying bytes": "red"}
_CATEGORIES = {"python": 1, "c": 2, "kernel": 3, "copy": 4}  # by tree.kind_of, places in _COLOURS
_NOWHERE = -1


def firefox(sampled: SampledStacks) -> bytes:
    """JSON of the processed profile format."""
    strings: dict[str, int] = {}
    sources: dict[int, int] = {}
    functions: dict[tuple[int, int | None], int] = {}
    frames: dict[tuple[int, int, int | None], int] = {}
    stacks: dict[tuple[int, int | None], int] = {}

    def stack_of(names: Iterable[str]) -> int | None:
        """The place of a stack in its table; that of its callers stands before it."""
        caller = None
        for name in names:
            at = place(name)
            source = None if at.file is None else _place_in(sources, _place_in(strings, at.file))
            function = _place_in(functions, (_place_in(strings, at.name), source))
            frame = _place_in(frames, (function, _CATEGORIES[kind_of(name)], at.line))
            caller = _place_in(stacks, (frame, caller))
        return caller

    weights = [round(weight, 4) for weight in sampled.weights.values()]
    thread = _thread(sampled, [stack_of(stack) for stack in sampled.counts], weights)
    steps = [0 if caller is None else at - caller for at, (_, caller) in enumerate(stacks)]
    shared = {
        "stringArray": list(strings),
        "sources": _table(sources, filename=0)
        | _constant(len(sources), id=None, startLine=1, startColumn=1, sourceMapURL=None, content=None),
        "funcTable": _table(functions, name=0, source=1)
        | _constant(len(functions), isJS=False, relevantForJS=False, resource=_NOWHERE)
        | _constant(len(functions), lineNumber=None, columnNumber=None, originalLocation=None),
        "frameTable": _table(frames, func=0, category=1, line=2)
        | _constant(len(frames), address=_NOWHERE, lib=_NOWHERE, inlineDepth=0, subcategory=0)
        | _constant(len(frames), nativeSymbol=None, innerWindowID=0, column=None, originalLocation=None),
        "stackTable": _table(stacks, frame=0) | {"prefixOffset": steps},
        "resourceTable": _constant(0, name=None, host=None, type=None),
        "nativeSymbols": _constant(0, libIndex=None, address=None, name=None, functionSize=None),
        "sourceLocationTable": _constant(0, source=None, line=None, column=None),
    }
    whole = {"meta": _meta(sampled), "libs": [], "shared": shared, "threads": [thread]}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


def _place_in(rows: dict[_Row, int], row: _Row) -> int:
    return rows.setdefault(row, len(rows))


def _table(rows: Mapping[Any, int], **columns: int) -> Json:
    """columns: the place of each in a row; a row of one column is not a tuple."""
    cells = [row if isinstance(row, tuple) else (row,) for row in rows]
    return {name: [row[at] for row in cells] for name, at in columns.items()} | {"length": len(cells)}


def _constant(length: int, **columns: Any) -> Json:
    return {name: [value] * length for name, value in columns.items()} | {"length": length}


def _thread(sampled: SampledStacks, stacks: list[int | None], weights: list[float]) -> Json:
    times = itertools.accumulate(weights[:-1], initial=0.0)
    return {
        "name": sampled.mode,
        "isMainThread": True,
        "processType": "default",
        "processName": sampled.mode,
        "processStartupTime": 0,
        "processShutdownTime": None,
        "registerTime": 0,
        "unregisterTime": None,
        "pausedRanges": [],
        "pid": "0",
        "tid": 0,
        "samples": {
            "stack": stacks,
            "time": [round(time, 4) for time in times],
            "weight": weights,
            "weightType": "samples" if sampled.ms_per_sample is None else "tracing-ms",
            "length": len(stacks),
        },
        "markers": _constant(0, data=None, name=None, startTime=None, endTime=None, phase=None, category=None),
    }


def _meta(sampled: SampledStacks) -> Json:
    facts = [{"label": name, "format": "string", "value": value} for name, value in sampled.facts.items()]
    return {
        "product": sampled.title,
        "importedFrom": sampled.profiler,
        "startTime": sampled.started_s * 1e3,
        "interval": sampled.ms_per_sample or 1.0,
        "version": GECKO_VERSION,
        "preprocessedProfileVersion": VERSION,
        "processType": 0,
        "stackwalk": 1,
        "symbolicated": True,
        "markerSchema": [],
        "categories": [
            {"name": name, "color": colour, "subcategories": ["Other"]} for name, colour in _COLOURS.items()
        ],
        "usesOnlyOneStackType": True,
        "sourceCodeIsNotOnSearchfox": True,
        "extra": [{"label": "Where it comes from", "entries": facts}],
    }
