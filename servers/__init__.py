"""Servers: one process per data path, alike in everything but the data path.

The theory. A *mode* is one way of moving the bytes of a file into a socket. It is a file in
`servers/modes/` with `MODE` (the facts) and `send_file` (the deed). All else, how a connection
is accepted, a request read, a file found, a head written, a time-out kept, is shared, so that two
modes differ in nothing that was not meant.

Who owns which descriptor:

- The connection's thread (`server.py`) owns the socket and the file, and closes both. The file stays open until another
  is asked for (`files.Files`): a mode leaves its position alone, or sets it before it reads.
- `send_file(sock, fd, offset, count)` borrows them. The socket is *blocking*: time-outs are the kernel's
  (SO_RCVTIMEO, SO_SNDTIMEO), because `socket.settimeout()` makes the descriptor non-blocking underneath
  and `os.sendfile` then raises EAGAIN. It sends exactly `count` bytes from `offset`, or raises.
- It is corked (TCP_CORK, tcp(7)) for as long as the answer takes. A mode that waits until its bytes have left says
  TCP_NODELAY first, which sends what the cork holds back.
- A file that shrinks while bytes are owed ends the connection (`FileShrankError`): a connection kept alive
  after a short body would be out of step for ever.
- A file that was rewritten or cut in place while it was sent ends it too, before the cork lets the last bytes out
  (`OpenFile.check_unchanged`). What a by-reference path still has on its way after that is the file's pages themselves.

A measured process imports as little as it can: the standard library and httptools, nothing of the other rooms.
"""
