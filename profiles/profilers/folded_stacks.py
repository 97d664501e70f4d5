"""Folded stacks of what perf and py-spy sampled, from the Python line to the kernel's copy: pure functions over text.

A folded line is `frame;frame;… count`, root first. A frame's suffix is its kind, as in other flame graph tools: `_[p]`
Python, `_[k]` kernel, none for C. The interpreter's own frames (eval loop, vector calls, thread start) are left out
where they only connect others, and stay where they are what ran, so that the interpreter's cost shows.

Python frames come from perf's trampoline (Python 3.12 and later, `-X perf`) and from py-spy's samples of the same load.
perf cannot unwind through the trampoline, so it sees its innermost frame only; py-spy knows the callers. Without the
trampoline, a C function (`os_preadv`) is joined to the sampled line that makes such a call (`os.preadv(…)`), in the
stack in which that was seen most often.
"""

import itertools
import linecache
import re
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import TextIO

Stack = tuple[str, ...]

KERNEL, PYTHON = "_[k]", "_[p]"
UNKNOWN_LINE = "a line of Python that was not sampled" + PYTHON
PIECE_CHARACTERS, MOST_CALLERS = 1 << 20, 1 << 14

_FRAME = re.compile(r"\s+[0-9a-f]+ (?P<symbol>.+) \((?P<object>[^()]*)\)$")
_MACHINERY = re.compile(
    r"\w*_[vV]ectorcall\w*$|_?PyEval_|_?PyObject_|_?PyFunction_|_?PyVectorcall_|_?Py_|_?PyRun_|pymain_|main$|_start$|__libc_start"
    r"|py_trampoline|thread_run$|pythread_wrapper$|start_thread$|clone3?$|gen_iternext$|builtin_next$|type_call$|slot_tp_"
)
_CALL = re.compile(r"(\w+)\(")
_LINE = re.compile(r"\((?P<path>[^()]+):(?P<number>\d+)\)$")
_TRAMPOLINE = re.compile(r"py::(?P<name>[^:]+):(?P<path>.+)")


def read_perf(script: TextIO, project: Path) -> Iterator[Stack]:
    """The samples of `perf script -F comm,pid,tid,time,ip,sym,dso`, root first, with the kinds of their frames."""
    frames = cache(partial(_frames, project=project))  # a minute has a million lines, a few thousand of them different

    @lru_cache(MOST_CALLERS)  # the innermost frame differs by its address, its callers seldom do
    def callers(lines: str) -> Stack:
        return tuple(frame for line in reversed(lines.split("\n")) for frame in frames(line))

    for sample in _samples(script):
        _thread, _, lines = sample.partition("\n")
        ran, _, above = lines.partition("\n")
        if stack := (*callers(above), *frames(ran)):
            yield stack


def _samples(script: TextIO) -> Iterator[str]:
    """The text of each sample; an empty line ends it."""
    rest = ""
    while piece := script.read(PIECE_CHARACTERS):
        *whole, rest = (rest + piece).split("\n\n")
        yield from whole
    yield rest.rstrip("\n")


def _frames(line: str, project: Path) -> tuple[str, ...]:
    found = _FRAME.match(line)
    if found is None:
        return ()
    symbol, dso = found["symbol"], found["object"]
    if dso.startswith("[") and dso != "[vdso]":
        return (symbol + KERNEL,)
    if symbol == "[unknown]":
        return (f"[{Path(dso.strip('[]')).name}]",)
    if python := _TRAMPOLINE.fullmatch(symbol):
        path = Path(python["path"])
        where = path.relative_to(project) if path.is_relative_to(project) else path.name
        return (f"{python['name']} ({where}){PYTHON}",)
    return (symbol,)


def without_machinery(stack: Stack) -> Stack:
    """Without the interpreter's own frames; the deepest frame outside the kernel stays, whatever it is."""
    outside = [frame for frame in stack if not frame.endswith(KERNEL)]
    ran = outside[-1] if outside and len(outside) == len(stack) else None
    kept = [frame for frame in outside if frame.endswith(PYTHON) or not _MACHINERY.match(frame)]
    if ran is not None and (not kept or kept[-1] != ran):
        kept.append(ran)
    kernel = (frame for frame in stack if frame.endswith(KERNEL))
    return tuple(frame for frame, _ in itertools.groupby((*kept, *kernel)))  # a library without symbols calls itself


def read_folded(text: str) -> Counter[Stack]:
    """How often each stack was seen, without empty stacks, which py-spy met half-made.

    Raises ValueError for a line without a count.
    """
    seen: Counter[Stack] = Counter()
    for line in text.splitlines():
        stack, _, count = line.rpartition(" ")
        samples = int(count)
        if stack:
            seen[tuple(stack.split(";"))] += samples
    return seen


def counted(stacks: Iterable[Stack]) -> Counter[Stack]:
    """How often each stack was seen, without the interpreter's own frames."""
    folded: Counter[Stack] = Counter()
    for stack, count in Counter(stacks).items():
        folded[without_machinery(stack)] += count
    return folded


def write_folded(stacks: Mapping[Stack, int]) -> str:
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))


def joined(stacks: Mapping[Stack, int], sampled: Mapping[Stack, int], line_of: Callable[[str], str]) -> Counter[Stack]:
    """perf's stacks with the Python frames of py-spy's stacks that make the same call.

    sampled: py-spy's stacks; where it has none, nothing is joined. line_of: the source line of one of its frames. A
    stack with a trampoline frame gets the callers that py-spy saw; one without, whose call was never sampled, goes
    below UNKNOWN_LINE.
    """
    if not sampled:
        return Counter(stacks)
    callers, above = _callers(sampled, line_of), _above(sampled)
    folded: Counter[Stack] = Counter()
    for stack, count in stacks.items():
        folded[_whole(stack, callers, above)] += count
    return folded


def _callers(sampled: Mapping[Stack, int], line_of: Callable[[str], str]) -> dict[str, Stack]:
    """For each name that is called in a sampled line, the stack in which that was seen most often."""
    seen: dict[str, Counter[Stack]] = {}
    for stack, count in sampled.items():
        for name in _CALL.findall(line_of(stack[-1])):
            seen.setdefault(name, Counter())[stack] += count
    return _most_seen(seen)


def _above(sampled: Mapping[Stack, int]) -> dict[str, Stack]:
    """For each function, as the trampoline names it, the callers that were seen most often."""
    seen: dict[str, Counter[Stack]] = {}
    for stack, count in sampled.items():
        for at, frame in enumerate(stack):
            seen.setdefault(_without_line(frame) + PYTHON, Counter())[stack[:at]] += count
    return _most_seen(seen)


def _most_seen(seen: Mapping[str, Counter[Stack]]) -> dict[str, Stack]:
    """With the suffix of Python frames, and without those that start a thread."""
    most = {name: stacks.most_common(1)[0][0] for name, stacks in seen.items()}
    return {
        name: tuple(frame + PYTHON for frame in stack if "(threading.py:" not in frame) for name, stack in most.items()
    }


def _without_line(frame: str) -> str:
    return _LINE.sub(lambda found: f"({found['path']})", frame)


def _whole(stack: Stack, callers: Mapping[str, Stack], above: Mapping[str, Stack]) -> Stack:
    """A stack of perf's with the Python frames that py-spy knows above its first C function."""
    if stack[0].endswith(KERNEL):  # a kernel thread has none
        return stack
    python = tuple(itertools.takewhile(lambda frame: frame.endswith(PYTHON), stack))
    below = stack[len(python) :]
    caller = _caller(below, callers)
    if not python:
        return (*(caller or (UNKNOWN_LINE,)), *below)
    if caller and _without_line(caller[-1].removesuffix(PYTHON)) + PYTHON == python[-1]:
        return (*caller, *below)
    return (*above.get(python[0], ()), *stack)


def _caller(stack: Stack, callers: Mapping[str, Stack]) -> Stack | None:
    """The Python frames that make a stack's first call: a line with preadv( or os_preadv( in it calls os_preadv."""
    for frame in itertools.takewhile(lambda frame: not frame.endswith(KERNEL), stack):
        name = frame.removesuffix("_impl")
        for called in (name, name.rpartition("_")[2]):
            if called in callers:
                return callers[called]
    return None


def source_line(frame: str, folders: Sequence[Path]) -> str:
    """The source line of py-spy's frame `name (path:number)`; "" where it cannot be read.

    folders: those that the path may be relative to, beside the standard library.
    """
    found = _LINE.search(frame)
    if found is None:
        return ""
    for folder in (*folders, Path(sysconfig.get_path("stdlib"))):
        line = linecache.getline(str(folder / found["path"]), int(found["number"]))
        if line:
            return line
    return ""
