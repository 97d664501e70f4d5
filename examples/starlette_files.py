"""Starlette serving the folder ROOT with FileResponse: uvicorn starlette_files:app."""

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

ROOT = Path(os.environ["ROOT"])


async def file(request: Request) -> FileResponse:
    path = ROOT / request.path_params["name"]
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path)


app = Starlette(routes=[Route("/{name}", file)])
