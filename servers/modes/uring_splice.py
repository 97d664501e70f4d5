"""io_uring SPLICE, file into pipe linked to pipe into socket: both halves of a piece in one system call.

Its rule: as splice in everything else; the pipe is emptied after every filling and belongs to one answer. SPLICE never
runs in the calling thread: the kernel hands it to worker threads (iou-wrk, io_uring/splice.c), whose CPU time belongs
to this process. There it blocks as splice(2) does, so SO_SNDTIMEO holds. A link breaks when the first half ends short;
what is in the pipe then is sent by a submission of its own.
"""

import errno
import mmap
import os
import socket
from dataclasses import dataclass

from servers.mechanisms import pipes, uring
from servers.mode import Copy, FileShrankError, Mode

MODE = Mode(
    name="uring-splice",
    port=8090,  # 8089 is Locust's
    summary="io_uring SPLICE from the file into a pipe, linked to SPLICE from the pipe into the socket",
    copies=(
        Copy("disk", "page cache", "dma"),
        Copy("page cache", "NIC", "dma"),
    ),
    options=(pipes.OPTION,),
)

_FILL, _DRAIN = 1, 2


def require(_sock: socket.socket) -> None:
    with uring.ring():
        pass


def send_file(sock: socket.socket, fd: int, offset: int, count: int, *, pipe: int = pipes.DEFAULT_BYTES) -> None:
    with uring.ring() as ring, pipes.opened(pipe) as between:
        line = _Line(ring, fd, between, sock.fileno())
        while count:
            # A pipe counts pages, not bytes: this much surely fits.
            wanted = min(count, between.size_bytes - offset % mmap.PAGESIZE)
            filled, drained = line.move(offset, wanted, is_last=wanted == count)
            if filled == 0:
                raise FileShrankError(count)
            offset += filled
            count -= filled
            while drained < filled:
                drained += line.drain(filled - drained, is_last=count == 0)


@dataclass(frozen=True, slots=True)
class _Line:
    """From the file through the pipe into the socket."""

    ring: uring.Ring
    file: int
    pipe: pipes.Pipe
    socket: int

    def move(self, offset: int, size: int, is_last: bool) -> tuple[int, int]:
        """How many bytes have gone into the pipe, and how many of these out of it."""
        self.ring.prepare(
            uring.SPLICE,
            self.pipe.writing,
            source=self.file,
            address=offset,
            offset=uring.NOWHERE,
            size=size,
            flags=uring.LINKED,
            tag=_FILL,
        )
        self._prepare_drain(size, is_last)
        done = {completion.tag: completion for completion in self._wait_for(2)}
        filled = done[_FILL].done_bytes("SPLICE from the file")
        if done[_DRAIN].result == -errno.ECANCELED:
            return filled, 0
        return filled, done[_DRAIN].done_bytes("SPLICE into the socket")

    def drain(self, size: int, is_last: bool) -> int:
        self._prepare_drain(size, is_last)
        return self._wait_for(1)[0].done_bytes("SPLICE into the socket")

    def _prepare_drain(self, size: int, is_last: bool) -> None:
        self.ring.prepare(
            uring.SPLICE,
            self.socket,
            source=self.pipe.reading,
            address=uring.NOWHERE,
            offset=uring.NOWHERE,
            size=size,
            operation_flags=0 if is_last else os.SPLICE_F_MORE,
            tag=_DRAIN,
        )

    def _wait_for(self, count: int) -> list[uring.Completion]:
        done: list[uring.Completion] = []
        while len(done) < count:
            done += self.ring.wait()
        return done
