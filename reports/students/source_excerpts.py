"""Quotes from the servers' code, as recorded in the run.

Its rule: the code may be of another version than ours; what cannot be parsed is shown whole.
"""

import ast
from dataclasses import dataclass, replace

from profiles.store.run_facts import Code


@dataclass(frozen=True, slots=True)
class Quote:
    """Lines of a file; line: the number of the first. marked: indices of highlighted lines."""

    path: str
    line: int
    lines: tuple[str, ...]
    marked: frozenset[int] = frozenset()


def quote(code: Code, mark: tuple[str, ...] = ()) -> Quote:
    """The whole piece. mark: lines that contain one of these before a comment are highlighted."""
    lines = tuple(code.text.splitlines())
    said = [line.partition("  #")[0] for line in lines]
    marked = frozenset(index for index, line in enumerate(said) if any(word in line for word in mark))
    return Quote(code.path, code.line, lines, marked)


def function(code: Code, name: str, mark: tuple[str, ...] = ()) -> Quote:
    """A function of the piece; the whole piece if it has no such function."""
    whole = quote(code, mark)
    try:
        tree = ast.parse(code.text)
    except (SyntaxError, ValueError):  # newer Python than ours, or not Python
        return whole
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = node.lineno - 1
            text = "\n".join(whole.lines[first : node.end_lineno])
            return quote(replace(code, line=code.line + first, text=text), mark)
    return whole
