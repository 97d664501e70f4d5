"""io_uring SPLICE, file into pipe linked to pipe into socket: both halves of a piece in one system call.

As in splice, the pipe is emptied after every filling and belongs to one answer. SPLICE never runs in the calling
thread: the kernel hands it to worker threads (iou-wrk, io_uring/splice.c), whose CPU time is this process's. They block
as splice(2) does, so SO_SNDTIMEO holds. A link breaks when its first half ends short; the rest is drained separately.
"""

import errno
import mmap
import os
import socket
from functools import partial

from servers.mechanisms import pipes, uring
from servers.mode import BY_REFERENCE, FileShrankError, Mode

MODE = Mode(
    name="uring-splice",
    port=8090,  # 8089 is Locust's
    summary="io_uring SPLICE from the file into a pipe, linked to SPLICE from the pipe into the socket",
    copies=BY_REFERENCE,
    options=(pipes.OPTION,),
)

_FILL, _DRAIN = 1, 2


require = uring.require


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, pipe: int = pipes.DEFAULT_BYTES) -> None:
    with uring.ring() as ring, pipes.opened(pipe) as between:
        drain = partial(_drain, ring, between, sock.fileno())
        while count:
            # a pipe counts pages, not bytes: this much always fits
            wanted = min(count, between.size_bytes - offset % mmap.PAGESIZE)
            fill = {"source": fd, "address": offset, "offset": uring.NO_OFFSET, "size": wanted}
            ring.prepare(uring.SPLICE, between.writing, flags=uring.LINKED, tag=_FILL, **fill)
            done = {completion.tag: completion for completion in drain(wanted, wanted == count, linked=1)}
            if done[_FILL].result == 0:
                raise FileShrankError(count)
            filled = _moved_bytes(done[_FILL], "SPLICE from the file")
            offset += filled
            count -= filled
            link_broke = done[_DRAIN].result == -errno.ECANCELED
            left = filled - (0 if link_broke else _moved_bytes(done[_DRAIN], "SPLICE into the socket"))
            while left:
                left -= _moved_bytes(drain(left, count == 0)[0], "SPLICE into the socket")


def _moved_bytes(completion: uring.Completion, what: str) -> int:
    """The bytes that were moved; none where a stop of the process interrupted a worker thread, which is no failure."""
    return 0 if completion.result == -errno.EINTR else completion.done_bytes(what)


def _drain(
    ring: uring.Ring, between: pipes.Pipe, out: int, size: int, is_last: bool, linked: int = 0
) -> list[uring.Completion]:
    """Splice from the pipe into the socket; returns the completion of this and of the linked submissions before it."""
    source = {"source": between.reading, "address": uring.NO_OFFSET, "offset": uring.NO_OFFSET, "size": size}
    ring.prepare(uring.SPLICE, out, operation_flags=0 if is_last else os.SPLICE_F_MORE, tag=_DRAIN, **source)
    done: list[uring.Completion] = []
    while len(done) < 1 + linked:
        done += ring.wait()
    return done
