"""Files that a page carries along to be saved from it: a link each, without a server.

Its rule: a file is packed, since a page has to stay small. Without JavaScript the link saves it as it is, FILE.gz; the
page's script (reports/assets/build/) unpacks it first.
"""

from dataclasses import dataclass

from reports.templating import packed


@dataclass(frozen=True, slots=True)
class Download:
    """name: what it is called once unpacked; what: what it is, for the reader."""

    name: str
    what: str
    href: str


class Budget:
    """How many bytes of a page are left for what comes from outside."""

    def __init__(self, size_bytes: int) -> None:
        self.left_bytes = size_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether there was room; then there is so much less."""
        fits = size_bytes <= self.left_bytes
        self.left_bytes -= size_bytes if fits else 0
        return fits

    def download(self, name: str, what: str, content: bytes) -> Download | None:
        """None where there is no room for it."""
        href = "data:application/gzip;base64," + packed(content)
        return Download(name, what, href) if self.take(len(href)) else None
