"""aiohttp serving a folder: python aiohttp_files.py ROOT HOST PORT. With AIOHTTP_NOSENDFILE=1 it reads and writes."""

import sys

from aiohttp import web

root, host, port = sys.argv[1:]
app = web.Application()
app.router.add_static("/", root)
web.run_app(app, host=host, port=int(port), access_log=None, print=None)
