"""A WSGI application serving the folder ROOT: gunicorn wsgi_files:app.

It hands the file to the server (wsgi.file_wrapper, PEP 3333), which decides whether sendfile() sends it.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(os.environ["ROOT"])
BLOCK_BYTES = 64 << 10


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = ROOT / Path(environ["PATH_INFO"]).name
    if not path.is_file():
        start_response("404 Not Found", [("Content-Length", "0")])
        return [b""]
    headers = [("Content-Type", "application/octet-stream"), ("Content-Length", str(path.stat().st_size))]
    start_response("200 OK", headers)
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](path.open("rb"), BLOCK_BYTES)
    return wrapped
