"""What the page is made of: read once, because a disk may be gone when it is asked for."""

from __future__ import annotations

from importlib import resources

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class PageFiles:
    """The files, by name."""

    def __init__(self) -> None:
        folder = resources.files("tick_logger.ops.web").joinpath("page")
        self._files = {
            each.name: each.read_bytes() for each in folder.iterdir() if _type(each.name)
        }

    async def index(self, _request: Request) -> Response:
        """The page itself."""
        return self._answer("index.html")

    async def file(self, request: Request) -> Response:
        """One of its files."""
        name = request.path_params["name"]
        if name not in self._files:
            raise HTTPException(404, "there is no such file")
        return self._answer(name)

    def _answer(self, name: str) -> Response:
        return Response(self._files[name], media_type=_type(name))


def _type(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2], "")
