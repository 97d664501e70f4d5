"""Servers: one process per data path, alike in everything but the data path.

A *mode* is one way of moving the bytes of a file into a socket: a file in `servers/modes/` with `MODE` (its facts) and
`send_file`. All modes share the rest, so that they differ only in what is compared.

- The connection's thread (server.py) owns the socket and the file, and closes both. The file stays open until another
  is requested (files.py), so a mode must not rely on the file position.
- `send_file(sock, fd, offset, count)` borrows them. The socket is *blocking* and its time-outs are the kernel's
  (sockets.py). It sends exactly `count` bytes from `offset`, or raises.
- The socket is corked (TCP_CORK, tcp(7)) during an answer. A mode that waits for its bytes to leave sets TCP_NODELAY
  first, which sends what the cork holds back.
- A file that shrinks during an answer ends the connection (`FileShrankError`): a kept connection would be out of step.
  So does one that was rewritten or cut in place (`OpenFile.check_unchanged`), before the cork releases the last bytes.

A measured process imports little: the standard library and httptools, nothing of the other rooms.
"""
