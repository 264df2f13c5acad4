"""Around every request: who is let in, which headers an answer has, and that it is counted.

Where nothing but loopback is listened on, whoever asks by another name is refused (`host_names`).
With a token, everything but /health and the page's own files (which say nothing) asks for it.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import msgspec
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tick_logger.ops.web.host_names import HostNames
from tick_logger.ops.web.page_files import PageFiles

JSON = "application/json"

VERSIONS = ("1.0", "1.1")
"""An HTTP/2 client that takes nothing would make hypercorn keep all that is said to it."""

Answer = Callable[[Request], Awaitable[Response]]

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


@attrs.frozen(kw_only=True)
class Door:
    """Who is let in: whoever knows the token, and asks by one of the names; empty, None: anybody.

    `requests` counts by path and status, where somebody wants to know.
    """

    requests: Counter | None = None
    token: str = ""
    names: HostNames | None = None


def guarded(answers: Mapping[str, Answer], door: Door) -> ASGIApp:
    """The ASGI application of these answers by path, and of the page."""
    page = PageFiles()
    paths = {"/": page.index, **answers}
    routes = [Route(path, answer, methods=["GET"]) for path, answer in paths.items()]
    routes.append(Route("/page/{name}", page.file, methods=["GET"]))
    starlette = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    starlette.router.redirect_slashes = False  # it would send elsewhere whoever names that host
    return _Guard(starlette, door, frozenset(paths))


class _Guard:
    """The name, the token, the headers, the count."""

    def __init__(self, app: ASGIApp, door: Door, known: frozenset[str]) -> None:
        self._app = app
        self._door = door
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # before the handshake: 403
            return
        path, names = scope["path"], self._door.names
        label = path if path in self._known else "other"

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._door.requests is not None:
                    self._door.requests.labels(label, str(message["status"])).inc()
                own = {name.encode(): value.encode() for name, value in _HEADERS.items()}
                message["headers"] = [*message["headers"], *own.items()]
            await send(message)

        app = self._app
        if scope["http_version"] not in VERSIONS:
            app = _answer(505, "HTTP/1.1 is spoken here")
        elif names and not names.admit(dict(scope["headers"]).get(b"host")):
            app = _answer(421, "not known by this name here; http.host_names adds it")
        elif not self._admits(scope, path):
            app = _answer(401, "a token is needed")
        await app(scope, receive, tell)

    def _admits(self, scope: Scope, path: str) -> bool:
        token = self._door.token
        if not token or path in ("/health", "/") or path.startswith("/page/"):
            return True
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, b"Bearer " + token.encode())


def _answer(status: int, reason: str) -> ASGIApp:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    body = msgspec.json.encode({"error": reason})
    return Response(body, status, media_type=JSON, headers=headers)


async def _refused(_request: Request, error: Any) -> Response:  # noqa: ANN401 - starlette's type
    body = msgspec.json.encode({"error": error.detail})
    return Response(body, error.status_code, media_type=JSON, headers=error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    return Response(msgspec.json.encode({"error": "a fault of ours"}), 500, media_type=JSON)
