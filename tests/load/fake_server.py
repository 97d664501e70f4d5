"""A server that answers each connection with given bytes: for answers that our own servers never give."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


@contextlib.contextmanager
def answering(
    answer: bytes, then: str = "close", delay_s: float = 0.0, *, reads: bool = True
) -> Iterator[tuple[str, int]]:
    """The address of a server that reads a head, waits, sends the answer, and then closes, resets or stalls. reads:
    whether it waits for a head at all."""
    listener = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                if reads:
                    sock.recv(65536)
                time.sleep(delay_s)
                sock.sendall(answer)
                if then == "stall":
                    kept.append(sock)
                    continue
                if then == "reset":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for sock in kept:
            sock.close()
