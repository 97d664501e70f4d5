"""python -m tests.bench.bare_server --port 8400 --root FOLDER: the least that Python can serve with.

Its rule: a thread per connection, the socket options and the sendfile() of our server, and nothing else. It reads no
request, opens no file after the first answer and checks nothing, so whatever is asked for is the test file. What it
pays is Python's own: nobody who serves from Python pays less per request.
"""

import _thread
import argparse
import contextlib
import os
import socket
from pathlib import Path

from servers import payload, sockets
from servers.modes import sendfile


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--root", type=Path)
    arguments = parser.parse_args()
    listener = sockets.listen("127.0.0.1", arguments.port)
    listener.setblocking(True)
    while True:
        sock, _ = listener.accept()
        _thread.start_new_thread(_serve, (sock, arguments.root / payload.NAME))


def _serve(sock: socket.socket, path: Path) -> None:
    with sock, contextlib.suppress(OSError), path.open("rb") as file:  # the load has ended
        fd, count = file.fileno(), os.fstat(file.fileno()).st_size
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count
        while sock.recv(16 << 10):
            sockets.cork(sock, True)
            sock.sendall(head)
            sendfile.send_file(sock, fd, 0, count)
            sockets.cork(sock, False)


if __name__ == "__main__":
    main()
