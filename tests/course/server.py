"""python server.py READ_PORT SENDFILE_PORT FILE: whoever connects gets the file, and the connection closes.

As the course's: one process, a thread for each port, one connection at a time. It reads no request, does not set
SO_REUSEADDR, and an error (a peer that leaves early, a file that is not there) ends the thread of its port.
"""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import BinaryIO

HOST = "127.0.0.1"


def read_and_send(sock: socket.socket, file: BinaryIO) -> None:
    sock.sendall(file.read())


def send_by_sendfile(sock: socket.socket, file: BinaryIO) -> None:
    sock.sendfile(file)


def serve(port: int, path: Path, send: Callable[[socket.socket, BinaryIO], None]) -> None:
    with socket.socket() as listener:
        listener.bind((HOST, port))
        listener.listen()
        while True:
            peer, _ = listener.accept()
            with peer, path.open("rb") as file:
                send(peer, file)


if __name__ == "__main__":
    read_port, sendfile_port, name = sys.argv[1:]
    for port, send in ((read_port, read_and_send), (sendfile_port, send_by_sendfile)):
        Thread(target=serve, args=(int(port), Path(name), send)).start()
