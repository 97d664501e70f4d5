"""On which line of a TOML text a key stands; tomllib keeps no positions.

Its rule: it is asked about text that tomllib has accepted, so it only has to find where a statement begins and ends;
what a key means is asked of tomllib itself.
"""

import re
import tomllib
from collections.abc import Iterator

Path = tuple[str, ...]

_HEADER = re.compile(r"[ \t]*\[[^\n]*")
_KEY = re.compile(r"""(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[^="'\n])+=""")
_TOKEN = re.compile(  # what may hold a newline, or says how deep in a value we are
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*|[\[\]{}\n]', re.DOTALL
)
_SAID = re.compile(r" \((?:at line (?P<line>\d+), column \d+|at end of document)\)$")


def lines(text: str) -> dict[Path, int]:
    """The path of every table and key, from the top, to its line, from 1. Keys of inline tables are not in it."""
    found: dict[Path, int] = {}
    table: Path = ()
    for start, statement in _statements(text):
        number = text.count("\n", 0, start) + 1
        if statement.lstrip().startswith("["):
            table = _path(statement)
            found.setdefault(table, number)
        else:
            found.setdefault(table + _path(f"{statement}0"), number)
    return found


def line_of(path: Path, known: dict[Path, int]) -> int:
    """The line of a path, else of the nearest thing around it or in it."""
    for length in range(len(path), 0, -1):
        if path[:length] in known:
            return known[path[:length]]
    return min((line for other, line in known.items() if other[:1] == path[:1]), default=1)


def explain(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, str]:
    """The line that tomllib complains of, and the complaint without it."""
    said = _SAID.search(str(error))
    line = int(said["line"]) if said and said["line"] else text.count("\n") + 1
    return line, _SAID.sub("", str(error))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Where each statement begins, and its header, or its key up to the equals sign."""
    at = 0
    while at < len(text):
        if header := _HEADER.match(text, at):
            yield at, header[0]
            at = _end_of_line(text, header.end())
        elif key := _KEY.match(text, at) if text[at] not in "#\n\r" else None:
            yield at, key[0]
            at = _end_of_value(text, key.end())
        else:
            at = _end_of_line(text, at)


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _end_of_value(text: str, at: int) -> int:
    depth = 0
    for token in _TOKEN.finditer(text, at):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if token[0] == "\n" and depth == 0:
            return token.end()
    return len(text)


def _path(statement: str) -> Path:
    """What a header, or a key with a value, names."""
    found: list[str] = []
    inner = tomllib.loads(statement.strip())
    while isinstance(inner, dict | list) and inner:
        if isinstance(inner, dict):
            found.append(next(iter(inner)))
        inner = next(iter(inner.values())) if isinstance(inner, dict) else inner[0]
    return tuple(found)
