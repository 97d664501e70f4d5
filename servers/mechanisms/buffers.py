"""The buffer of the modes that read: one per thread, reused, at a chosen offset within a page.

Reused, because the page faults of fresh memory would be billed to the data path. Page-aligned by default, for the
reason in servers/modes/read_send.py.
"""

import mmap
import threading

from servers.mode import Option

CHUNK_BYTES = 256 << 10
OPTION = Option("chunk", CHUNK_BYTES, "bytes per call, at most")

_per_thread = threading.local()


def reused(size_bytes: int, page_offset: int = 0) -> memoryview:
    """This thread's buffer, with its old content; an anonymous mmap starts on a page boundary."""
    if getattr(_per_thread, "shape", None) != (size_bytes, page_offset):
        area = memoryview(mmap.mmap(-1, page_offset + size_bytes))
        _per_thread.buffer = area[page_offset : page_offset + size_bytes]
        _per_thread.shape = (size_bytes, page_offset)
    buffer: memoryview = _per_thread.buffer
    return buffer
