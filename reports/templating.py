"""Templates and what they may call. Its rule: everything is escaped, and an undefined name is an error."""

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
BUILD = Path(__file__).resolve().parent.parent / "build"  # caches; `make clean` removes it


@dataclass(frozen=True, slots=True)
class Rendered:
    """A section of a page. name: its anchor. half: it may stand beside another. folded: it is closed at first, and
    shows a hint of its contents."""

    name: str
    title: str
    half: bool
    body: Markup
    folded: bool = False
    hint: str = ""


class _Compiled(FileSystemBytecodeCache):
    """A cache of compiled templates that does without where it cannot be written."""

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
    env.filters["ratio"] = lambda estimate: text.interval(*estimate)
    return env


def fragment(template: str, **context: Any) -> Markup:
    """The template rendered with these names."""
    return Markup(environment().get_template(template).render(context))  # the template escaped it


def embedded_json(value: Any) -> Markup:
    """JSON for a <script> element: no "<" in it can end the element, or open a comment."""
    encoded = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Markup(encoded.replace("<", "\\u003c").replace(">", "\\u003e"))


def packed(content: bytes) -> str:
    """gzip as base64; the same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, compresslevel=6, mtime=0)).decode()


def packed_json(value: Any) -> str:
    """For a script of the page, which unpacks it when it is shown (reports/assets/build/flames.js)."""
    return packed(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())
