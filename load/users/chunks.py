"""A chunked body: pieces with their lengths between them (RFC 9112 section 7.1).

Its rule: what stands between the pieces is read in small steps, so that the pieces themselves go where the sink says.
"""

import re
import socket

_END = b"\r\n"
_LINE_BYTES = 32  # a length of a piece, and the end of the one before
_LONGEST_LINE_BYTES = 4096
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;|$)")


class BadChunkError(ValueError):
    """What stands where a length should is none. Its text shows it."""


class Chunks:
    """The lengths of the pieces. begin: what has arrived of the body already."""

    def __init__(self, sock: socket.socket, begin: bytes) -> None:
        self._sock = sock
        self._arrived = begin

    def next_size(self) -> int:
        """The length of the next piece in bytes; 0 after the last one, when all of the body has been read.

        Raises BadChunkError; EOFError where the connection ends before.
        """
        line = self._line()
        found = _SIZE.match(line)
        if found is None:
            raise BadChunkError(repr(line[:_LINE_BYTES]))
        size = int(found[1], 16)
        while size == 0 and self._line():  # trailers, up to an empty line
            pass
        return size

    def take(self, size: int) -> int:
        """How many bytes of this piece have arrived already; they are taken out."""
        taken = min(size, len(self._arrived))
        self._arrived = self._arrived[taken:]
        return taken

    def end_of_piece(self) -> None:
        """Raises BadChunkError, EOFError as next_size() does."""
        while len(self._arrived) < len(_END):
            self._receive()
        if not self._arrived.startswith(_END):
            raise BadChunkError(repr(self._arrived[:_LINE_BYTES]))
        self._arrived = self._arrived[len(_END) :]

    def _line(self) -> bytes:
        while (end := self._arrived.find(_END)) < 0:
            if len(self._arrived) > _LONGEST_LINE_BYTES:
                raise BadChunkError(repr(self._arrived[:_LINE_BYTES]))
            self._receive()
        line, self._arrived = self._arrived[:end], self._arrived[end + len(_END) :]
        return line

    def _receive(self) -> None:
        piece = self._sock.recv(_LINE_BYTES)
        if not piece:
            raise EOFError
        self._arrived += piece
