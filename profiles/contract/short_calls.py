"""System calls that do less than they were asked for, as the kernel may at any time."""

import contextlib
import os
import random
import socket
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

MOST_BYTES = 9999


@contextlib.contextmanager
def short_calls(seed: int = 2) -> Iterator[None]:
    """In this thread, calls through os and socket read or send a random part of what they were asked for."""
    chance, thread = random.Random(seed), threading.get_ident()
    real = {name: getattr(os, name) for name in ("sendfile", "splice", "read", "pread", "preadv", "write")}
    send = socket.socket.send

    def short(size: int) -> int:
        return min(size, chance.randint(1, MOST_BYTES)) if threading.get_ident() == thread else size

    def short_sendfile(out_fd: int, in_fd: int, offset: int | None, count: int) -> int:
        return int(real["sendfile"](out_fd, in_fd, offset, short(count)))

    def short_splice(src: int, dst: int, count: int, *more: Any, **named: Any) -> int:
        return int(real["splice"](src, dst, short(count), *more, **named))

    def short_read(fd: int, length: int) -> bytes:
        return bytes(real["read"](fd, short(length)))

    def short_pread(fd: int, length: int, offset: int) -> bytes:
        return bytes(real["pread"](fd, short(length), offset))

    def short_preadv(fd: int, buffers: Any, offset: int, flags: int = 0) -> int:
        return short(real["preadv"](fd, buffers, offset, flags))  # in full, since lengths may have to be aligned

    def short_write(fd: int, data: Any) -> int:
        return int(real["write"](fd, memoryview(data).cast("B")[: short(memoryview(data).nbytes)]))

    def short_send(sock: socket.socket, data: Any, flags: int = 0) -> int:
        return send(sock, memoryview(data).cast("B")[: short(memoryview(data).nbytes)], flags)

    with (
        mock.patch.multiple(
            os, sendfile=short_sendfile, splice=short_splice, read=short_read, pread=short_pread, preadv=short_preadv,
            write=short_write,
        ),
        mock.patch.object(socket.socket, "send", short_send),
    ):  # fmt: skip
        yield
