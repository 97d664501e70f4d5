"""The servers' code as it travelled with the run: what of it is quoted.

Its rule: it is text from a file, perhaps of another version than ours: what cannot be parsed is shown whole.
"""

import ast
from dataclasses import dataclass

from profiles.store.run_facts import Code


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines of a file, the first of which is number `line`. marked: those to be looked at, by their index."""

    path: str
    line: int
    lines: tuple[str, ...]
    marked: frozenset[int] = frozenset()


def quote(code: Code, mark: tuple[str, ...] = ()) -> Quote:
    """The whole piece. mark: the lines that hold one of these are marked."""
    lines = tuple(code.text.splitlines())
    marked = frozenset(index for index, line in enumerate(lines) if any(word in line for word in mark))
    return Quote(code.path, code.line, lines, marked)


def function(code: Code, name: str) -> Quote:
    """A function of the piece; the whole piece where that has none of this name."""
    whole = quote(code)
    try:
        tree = ast.parse(code.text)
    except (SyntaxError, ValueError):  # of a Python that is newer than ours, or no Python at all
        return whole
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return Quote(code.path, code.line + node.lineno - 1, whole.lines[node.lineno - 1 : node.end_lineno])
    return whole
