"""External targets for tests: tiny HTTP servers that behave in every way that servers do, named in a targets.toml."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil

from profiles.targets import catalog, config_file
from profiles.targets.catalog import Target

# Serves the files of a folder, one thread per connection; what else it does is in sys.argv[3:].
SERVER = """
import mmap, os, signal, socket, sys, threading, time
root, port, how = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
if "ignores-sigterm" in how:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "no-wait" in how:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if "leaves" in how:
    sys.exit(0)
if "dies" in how:
    sys.exit("no luck today")
if "never" in how:
    print("still warming up", file=sys.stderr, flush=True)
    time.sleep(600)
if "daemonises" in how and os.fork():
    os._exit(0)
if "daemonises" in how:
    os.setsid()
    if os.fork():
        os._exit(0)
listener = socket.create_server(("127.0.0.1", 0 if "elsewhere" in how else port))
served, kept = [], {}
STATUS = {"404": "404 Not Found", "403": "403 Forbidden", "redirects": "302 Found"}
HEADERS = {
    "redirects": "Location: /other.bin\\r\\n", "compresses": "Content-Encoding: gzip\\r\\n",
    "proxy": "Via: 1.1 varnish\\r\\n",
    "page": "Content-Type: text/html; charset=utf-8\\r\\n",
}
def content(path):
    with open(root + path, "rb") as file:
        if "sendfile" in how: return range(os.fstat(file.fileno()).st_size)
        if "maps" in how: return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        body = kept.get(path) or file.read()
    if "forwards" in how:
        ours, theirs = socket.socketpair()
        threading.Thread(target=theirs.sendall, args=(body,)).start()
        body = ours.recv(len(body), socket.MSG_WAITALL)
    if "keeps" in how: kept[path] = body
    return body
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
def serve(sock):
    head = b""
    while b"\\r\\n\\r\\n" not in head:
        piece = sock.recv(65536)
        if not piece: return sock.close()
        head += piece
    path = head.split()[1].decode()
    if path == "/burn" and not os.fork():
        burn(0.3)
        os._exit(0)
    if path == "/die": os._exit(3)
    served.append(path)
    if "dies-later" in how and len(served) > 24:
        print("out of luck", file=sys.stderr, flush=True)
        os._exit(3)
    status = STATUS.get(how[0] if how else "", "200 OK")
    try: body = b"x" * 9 if path == "/burn" else content(path)
    except OSError: status, body = "404 Not Found", b""
    if "short" in how: body = body[:-1]
    if "flipped" in how: body = b"?" + body[1:]
    if "page" in how: body = b"<html><TITLE>Index of\\n /files</TITLE>"
    framing = "Connection: close" if "no-length" in how else f"Content-Length: {len(body)}"
    framing = "".join(HEADERS.get(each, "") for each in how) + framing
    begin = end = b""
    if "chunked" in how:
        framing, begin, end = "Transfer-Encoding: chunked", b"%x\\r\\n" % len(body), b"\\r\\n0\\r\\n\\r\\n"
    head = f"HTTP/1.1 {status}\\r\\n{framing}\\r\\nConnection: close\\r\\n\\r\\n".encode()
    if "drips" in how or "drips-later" in how and len(served) > 40:
        sock.sendall(head)
        while True:
            sock.sendall(b"x")
            time.sleep(0.1)
    if "sendfile" in how or "maps" in how:
        sock.sendall(head + begin)
        with open(root + path, "rb") as file:
            sock.sendfile(file) if "sendfile" in how else sock.sendall(body)
        sock.sendall(end)
    else:
        sock.sendall(head + begin + body + end)
    sock.close()
def wait():
    while True:
        try: os.wait()
        except ChildProcessError: time.sleep(0.02)
def accept():
    while True:
        if "forks" in how:
            sock = listener.accept()[0]
            if not os.fork():
                serve(sock)
                os._exit(0)
            sock.close()
            continue
        threading.Thread(target=serve, args=(listener.accept()[0],)).start()
if "hands-over" in how:
    for _ in range(2):  # it is asked at most twice whether it is ready
        try: serve(listener.accept()[0])
        except OSError: pass
    if not os.fork():
        accept()
    wait()
if "workers" in how:
    for _ in range(2):
        if not os.fork():
            accept()
    wait()
else:
    threading.Thread(target=lambda: [time.sleep(600)], daemon=True).start()
    if "waits" in how:
        threading.Thread(target=accept, daemon=True).start()
    else:
        accept()
    wait()
"""


def external(folder: Path, *how: str, name: str = "external", **more: object) -> Target:
    """A target of its own targets.toml: SERVER, behaving like this. more: further keys of its table."""
    (folder / "server.py").write_text(SERVER)
    command = [sys.executable, str(folder / "server.py"), "{root}", "{port}", *how]
    return from_table(folder, name, {"command": command, "address": "127.0.0.1:8399", **more})


def from_table(folder: Path, name: str, table: dict[str, object]) -> Target:
    path = folder / "targets.toml"
    path.write_text(f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items()))
    ((facts, external),) = config_file.read(path, frozenset())
    return catalog.Target(facts, external=external)


def alive(pids: Iterable[int]) -> list[int]:
    """Those that have not ended; a zombie has ended."""
    return [pid for pid in pids if _lives(pid)]


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
