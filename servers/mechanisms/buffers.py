"""The buffer of the modes that read: one per thread, reused, where it was asked for within a page.

Its rule: on a page boundary unless something else is asked for (why, says servers/modes/read_send.py); and no new
memory per answer, whose page faults would be billed to the data path.
"""

import mmap
import threading

_per_thread = threading.local()


def reused(size_bytes: int, page_offset: int = 0) -> memoryview:
    """This thread's buffer of so many bytes, with what was left in it; an anonymous mmap starts on a page boundary."""
    if getattr(_per_thread, "shape", None) != (size_bytes, page_offset):
        area = memoryview(mmap.mmap(-1, page_offset + size_bytes))
        _per_thread.buffer = area[page_offset : page_offset + size_bytes]
        _per_thread.shape = (size_bytes, page_offset)
    buffer: memoryview = _per_thread.buffer
    return buffer
