"""The formats in which a profile leaves the bench; a row here is downloaded from the report and written by make export.

Its rule: a format takes what was sampled and nothing else.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass

from reports.flames.formats.firefox import firefox
from reports.flames.formats.pprof import pprof
from reports.flames.formats.sampled_stacks import SampledStacks
from reports.flames.formats.speedscope import speedscope


@dataclass(frozen=True, slots=True)
class ProfileFormat:
    """ending: of a file. what_for: who opens it. compressed: with gzip, where it is a file of its own."""

    name: str
    ending: str
    what_for: str
    write: Callable[[SampledStacks], bytes]
    compressed: bool = False

    def file(self, sampled: SampledStacks) -> tuple[str, bytes]:
        """The ending and the content of a file of its own."""
        content = self.write(sampled)
        return (f"{self.ending}.gz", gzip.compress(content, mtime=0)) if self.compressed else (self.ending, content)


def _folded(sampled: SampledStacks) -> bytes:
    """A line `frame;frame;… count` per stack, root first."""
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(sampled.counts.items())).encode()


FORMATS = (
    ProfileFormat("speedscope", ".speedscope.json", "for speedscope (speedscope.app)", speedscope),
    ProfileFormat("firefox", ".firefox.json", "for the Firefox Profiler (profiler.firefox.com)", firefox),
    ProfileFormat("pprof", ".pb", "for pprof (go tool pprof)", pprof, compressed=True),
    ProfileFormat("folded", ".folded", "as folded stacks with sample counts", _folded),
)
