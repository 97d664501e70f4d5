"""python client.py PORT BYTES TIMES: connects, sends nothing, reads so many bytes, and again; as the course's does."""

import socket
import sys
import time

if __name__ == "__main__":
    port, size_bytes, times = map(int, sys.argv[1:])
    started_s = time.perf_counter()
    for _ in range(times):
        with socket.create_connection(("127.0.0.1", port)) as sock:
            received_bytes = 0
            while received_bytes < size_bytes:
                piece = sock.recv(size_bytes - received_bytes)
                if not piece:  # the course's would wait for ever
                    sys.exit(f"{size_bytes - received_bytes} bytes are missing")
                received_bytes += len(piece)
    print(f"Time taken: {time.perf_counter() - started_s} seconds")
