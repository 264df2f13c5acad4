"""Around every request: who is let in, which headers an answer has, and that it is counted.

Where nothing but loopback is listened on, whoever asks by another name is refused (`host_names`).
With a token, everything but /health and the page's own files (which say nothing) asks for one: for
metrics one that opens them, for the page's data one that opens the page, for /ready any.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from tick_logger.ops.web.scopes import EVERYTHING, IN_REQUEST, NOTHING, Key, scope_of
from tick_logger.ops.web.scopes import Scope as Granted

JSON = "application/json"

VERSIONS = ("1.0", "1.1")
"""An HTTP/2 client that takes nothing would make hypercorn keep all that is said to it."""

OPEN = frozenset({"/health", "/"})
"""Answered without a token, as the page's own files are."""

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
    """Who is let in: whoever knows a token, and asks by one of the names; empty, None: anybody.

    `token` opens everything, each of `keys` what its scope says.  `requests` counts by path and
    status, where somebody wants to know.
    """

    requests: Counter | None = None
    token: str = attrs.field(default="", repr=False)
    keys: Sequence[Key] = ()
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
        self._keys = [*door.keys, *([Key(door.token, EVERYTHING)] if door.token else [])]
        # With scopes, whoever sends no token is told of no exchange, by /health either.
        self._of_all = NOTHING if door.keys else EVERYTHING
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
        else:
            given = scope_of(self._keys, dict(scope["headers"]).get(b"authorization", b""))
            scope[IN_REQUEST] = given or self._of_all
            if self._keys and path not in OPEN and not path.startswith("/page/"):
                needed = _answer(401, "a token is needed")
                app = needed if given is None else _opened(app, path, given)
        await app(scope, receive, tell)


def _opened(app: ASGIApp, path: str, scope: Granted) -> ASGIApp:
    """The application, where this scope opens the path."""
    opens = True if path == "/ready" else scope.metrics if path == "/metrics" else scope.page
    return app if opens else _answer(403, "this token is for something else")


def _answer(status: int, reason: str) -> ASGIApp:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    body = msgspec.json.encode({"error": reason})
    return Response(body, status, media_type=JSON, headers=headers)


async def _refused(_request: Request, error: Any) -> Response:  # noqa: ANN401 - starlette's type
    body = msgspec.json.encode({"error": error.detail})
    return Response(body, error.status_code, media_type=JSON, headers=error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    return Response(msgspec.json.encode({"error": "a fault of ours"}), 500, media_type=JSON)
