"""aiohttp serving a folder: python aiohttp_files.py ROOT HOST PORT [uvloop], on asyncio's loop or on uvloop's.

With AIOHTTP_NOSENDFILE=1 it reads and writes.
"""

import sys

from aiohttp import web

root, host, port, *loop = sys.argv[1:]
if loop == ["uvloop"]:
    from uvloop import new_event_loop
else:
    from asyncio import new_event_loop
app = web.Application()
app.router.add_static("/", root)
web.run_app(app, host=host, port=int(port), loop=new_event_loop(), access_log=None, print=None)
