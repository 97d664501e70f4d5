"""How fast this machine copies memory: what a copy by the CPU costs here, before any server is started.

Its rule: one thread, and far more bytes than a core's own caches hold. A cache that all cores share may hold a part.
"""

import time

SIZE_BYTES = 64 << 20
TRIES = 3


def copy_gib_per_s() -> float:
    """GiB copied per second, by memmove(3): the best of TRIES, which take some 0.1 s together."""
    source = b"\1" * SIZE_BYTES
    target = bytearray(source)  # its pages are there already
    return round(SIZE_BYTES / (1 << 30) / min(_once_s(target, source) for _ in range(TRIES)), 2)


def _once_s(target: bytearray, source: bytes) -> float:
    began_s = time.perf_counter()
    memoryview(target)[:] = source
    return time.perf_counter() - began_s
