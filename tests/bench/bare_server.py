"""python -m tests.bench.bare_server sendfile --port 0 --root FOLDER --lifeline 0: the least that Python can serve with.

Its rule: a thread per connection, the socket options and the sendfile() of our server, and nothing else. It reads no
request, opens no file after the first answer to it and checks nothing, so whatever is asked for is the test file of the
size that the path names. What it pays is Python's own: nobody who serves from Python pays less per request.
"""

import _thread
import argparse
import contextlib
import os
import socket
import threading
from pathlib import Path

from servers import payload, sockets
from servers.modes import sendfile


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("path", choices=["sendfile"])
    parser.add_argument("--port", type=int)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--lifeline", type=int)
    arguments = parser.parse_args()
    listener = sockets.listen("127.0.0.1", arguments.port)
    listener.setblocking(True)
    congestion = sockets.set_congestion_control(listener)
    print(f"ready bare {listener.getsockname()[1]} {congestion}", flush=True)
    threading.Thread(target=_accept, args=(listener, arguments.root), daemon=True).start()
    os.read(arguments.lifeline, 1)


def _accept(listener: socket.socket, root: Path) -> None:
    while True:
        sock, _ = listener.accept()
        _thread.start_new_thread(_serve, (sock, root))


def _serve(sock: socket.socket, root: Path) -> None:
    with sock, contextlib.suppress(OSError):  # the load has ended
        size = sock.recv(16 << 10).split(b"/", 2)[1].decode()
        with (root / size / payload.NAME).open("rb") as file:
            fd, count = file.fileno(), int(size)
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count
            while True:
                sockets.cork(sock, True)
                sock.sendall(head)
                sendfile.send_file(sock, fd, 0, count)
                sockets.cork(sock, False)
                if not sock.recv(16 << 10):
                    return


if __name__ == "__main__":
    main()
