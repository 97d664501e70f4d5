"""The servers' own code as it is when a run begins: how a request is handled, step by step.

Its rule: it is read as text, from the files that the servers are started from, and stored with the run, so that a
report can quote it years later, when the code has changed or is gone.
"""

import ast
import textwrap
from pathlib import Path

from profiles.store.run_facts import Code, CodeStep
from profiles.targets.catalog import in_the_lab
from servers import discovery

# What all modes share, in the order in which a request passes it: file, and function or Class.function in it.
SHARED: tuple[tuple[CodeStep, str, str], ...] = (
    ("receive", "servers/http/request_reader.py", "RequestReader.next"),
    ("name", "servers/http/request_target.py", "path_of"),
    ("answer", "servers/http/answers.py", "HttpAnswers._answer"),
)


def read(project: Path) -> tuple[Code, ...]:
    """The shared pieces, and the whole file of every mode. project: the folder that holds servers/."""
    shared = [_piece(project, step, path, name) for step, path, name in SHARED]
    files = {name: discovery.file_name(name) for name in (*discovery.names(), *in_the_lab())}
    return (*shared, *(Code("send", name, path, 1, (project / path).read_text()) for name, path in files.items()))


def _piece(project: Path, step: CodeStep, path: str, name: str) -> Code:
    """Raises LookupError where the file does not define it."""
    source = (project / path).read_text()
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        node = _defined(node, part, path)
    assert isinstance(node, ast.FunctionDef)
    lines = source.splitlines()[node.lineno - 1 : node.end_lineno]
    return Code(step, None, path, node.lineno, textwrap.dedent("\n".join(lines)))


def _defined(inside: ast.AST, name: str, path: str) -> ast.AST:
    for node in ast.iter_child_nodes(inside):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"{path} defines no {name}")
