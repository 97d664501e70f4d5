"""Templates, and what they may do. Its rule: everything is escaped, and a name that is missing is an error."""

import base64
import contextlib
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import Markup

from reports.analysis import text

TEMPLATES = Path(__file__).parent / "templates"
BUILD = Path(__file__).resolve().parent.parent / "build"  # what is kept to be faster next time; `make clean` removes it
MODE_COLOURS = 6


@dataclass(frozen=True, slots=True)
class Rendered:
    """A section as the layout takes it. name: its anchor. half: may stand beside another. folded: until it is asked
    for, with a hint of what is inside."""

    name: str
    title: str
    half: bool
    body: Markup
    folded: bool = False
    hint: str = ""


class _Compiled(FileSystemBytecodeCache):
    """Templates as they were compiled the last time; where they cannot be kept, they are compiled every time."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):  # read-only, or a full disk: neither is a reason not to write a report
            BUILD.mkdir(exist_ok=True)
            super().dump_bytecode(bucket)


@cache
def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=_Compiled(str(BUILD)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"number": text.number, "nobreak": text.nobreak, "moment": text.moment}
    return env


def fragment(template: str, **context: Any) -> Markup:
    """A piece of the page."""
    return Markup(environment().get_template(template).render(context))  # the template escaped it


def embedded_json(value: Any) -> Markup:
    """JSON for a <script> element: no "<" in it can end the element, or open a comment."""
    encoded = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Markup(encoded.replace("<", "\\u003c").replace(">", "\\u003e"))


def packed(content: bytes) -> str:
    """As base64 of gzip: what is large and alike in itself takes a tenth of its size. The same bytes, the same text."""
    return base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode()


def packed_json(value: Any) -> str:
    """For a script of the page, which unpacks it where it is seen (reports/assets/build/flames.js)."""
    return packed(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def mode_colour(index: int) -> str:
    """The colour of a mode in charts and tables alike; a CSS variable, so that light and dark both work."""
    return f"var(--mode-{index % MODE_COLOURS})"
