"""The HTTP surface: which path answers what.  Everything is read only.

    /health        the process lives and its loop turns; healthy or degraded, with reasons
    /ready         200 or 503, with reasons
    /metrics       for Prometheus
    /api/status    everything the page shows; /api/events the same, once a second
    /api/symbols   which symbols there are; /api/symbol the last trades of one
    /              the page

Where nothing but loopback is listened on, whoever asks by another name is refused (`host_names`).
With a token, everything but /health and the page's own files (which say nothing) asks for it.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from importlib import resources
from typing import Any

import msgspec
import trio
from prometheus_client import CONTENT_TYPE_LATEST, Counter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tick_logger.ops.status.board import Board
from tick_logger.ops.status.watched import Watched
from tick_logger.ops.web.host_names import HostNames

MOST_STREAMS = 32
"""Pages that are kept up to date at a time."""

MOST_READS = 2
"""Threads that read column files for pages at a time; recording needs the disk more."""

READ_SECS = 5.0
"""A disk that takes longer has no time for pages, and these must not wait in line for it."""

MOST_SYMBOLS = 200
MOST_QUERY_CHARS = 100

_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

JSON = "application/json"
EVENTS = "text/event-stream"

VERSIONS = ("1.0", "1.1")
"""An HTTP/2 client that takes nothing would make hypercorn keep all that is said to it."""


def application(
    watched: Watched, board: Board, *, token: str = "", names: HostNames | None = None
) -> ASGIApp:
    """The ASGI application; every request is counted by path and status.

    With a token, whoever does not send it is refused; so is who asks by another name than `names`
    admit, where these are given.
    """
    surface = _Surface(watched, board)
    paths: dict[str, Callable[[Request], Awaitable[Response]]] = {
        "/": partial(surface.page, name="index.html"),
        "/health": surface.health,
        "/ready": surface.ready,
        "/metrics": surface.metrics,
        "/api/status": surface.status,
        "/api/events": surface.events,
        "/api/symbols": surface.symbols,
        "/api/symbol": surface.symbol,
    }
    routes = [Route(path, answer, methods=["GET"]) for path, answer in paths.items()]
    routes.append(Route("/page/{name}", surface.file, methods=["GET"]))
    starlette = Starlette(
        routes=routes,
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    starlette.router.redirect_slashes = False  # it would send elsewhere whoever names that host
    return _Guard(starlette, token, names, watched.metrics.http_requests, frozenset(paths))


class _Guard:
    """Around every request: the name, the token, the headers, the count."""

    def __init__(
        self,
        app: ASGIApp,
        token: str,
        names: HostNames | None,
        requests: Counter,
        known: frozenset[str],
    ) -> None:
        self._app = app
        self._token = token
        self._names = names
        self._requests = requests
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close"})  # before the handshake: 403
            return
        path = scope["path"]
        label = path if path in self._known else "other"

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.labels(label, str(message["status"])).inc()
                own = {name.encode(): value.encode() for name, value in _HEADERS.items()}
                message["headers"] = [*message["headers"], *own.items()]
            await send(message)

        app = self._app
        if scope["http_version"] not in VERSIONS:
            app = _answer(505, "HTTP/1.1 is spoken here")
        elif self._names and not self._names.admit(dict(scope["headers"]).get(b"host")):
            app = _answer(421, "not known by this name here; http.host_names adds it")
        elif not self._admits(scope, path):
            app = _answer(401, "a token is needed")
        await app(scope, receive, tell)

    def _admits(self, scope: Scope, path: str) -> bool:
        if not self._token or path in ("/health", "/") or path.startswith("/page/"):
            return True
        given = dict(scope["headers"]).get(b"authorization", b"")
        return hmac.compare_digest(given, b"Bearer " + self._token.encode())


class _Surface:
    """The answers."""

    def __init__(self, watched: Watched, board: Board) -> None:
        self._watched = watched
        self._board = board
        self._streams = 0
        self._reads = trio.CapacityLimiter(MOST_READS)
        self._page = _page_files()

    async def page(self, _request: Request, name: str) -> Response:
        return Response(self._page[name], media_type=_type(name))

    async def file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._page:
            raise HTTPException(404, "there is no such file")
        return await self.page(request, name)

    async def health(self, _request: Request) -> Response:
        status = self._board.document
        names = (
            "connected", "unreachable", "symbols", "messages_per_second", "last_message",
            "left_out", "not_listed",
        )  # fmt: skip
        said = {
            "status": status["status"],
            "reasons": status["reasons"],
            "version": status["version"],
            "uptime_secs": status["uptime_secs"],
            "messages_dropped": status["messages_dropped"],
            "exchanges": {
                each["name"]: {name: each[name] for name in names} for each in status["exchanges"]
            },
        }
        return Response(msgspec.json.encode(said), media_type=JSON)

    async def ready(self, _request: Request) -> Response:
        reasons = self._board.not_ready
        said = {"ready": not reasons, "reasons": reasons}
        return Response(msgspec.json.encode(said), 503 if reasons else 200, media_type=JSON)

    async def metrics(self, _request: Request) -> Response:
        return Response(self._watched.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    async def status(self, _request: Request) -> Response:
        return Response(self._board.encoded, media_type=JSON)

    async def events(self, request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type=EVENTS)
        if self._streams >= MOST_STREAMS:
            raise HTTPException(503, f"{MOST_STREAMS} pages are open already")
        return _EventStream(_Events(self._board), self._place)

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    async def symbols(self, request: Request) -> Response:
        query = _text(request, "q")
        limit = _number(request, "limit", 50, MOST_SYMBOLS)
        found, more = _find_symbols(self._watched, query, limit)
        return Response(msgspec.json.encode({"symbols": found, "more": more}), media_type=JSON)

    async def symbol(self, request: Request) -> Response:
        names = exchange, symbol = _text(request, "exchange"), _text(request, "symbol")
        read = partial(self._watched.read_symbol, *names)
        venue = self._watched.venues.get(exchange)
        absent = venue.absent.why(symbol) if venue else ""
        try:
            with trio.fail_after(READ_SECS):
                found = await trio.to_thread.run_sync(
                    read, limiter=self._reads, abandon_on_cancel=True
                )
        except LookupError as error:
            reason = f"{error}: {absent}" if absent else str(error)
            raise HTTPException(404, reason) from None
        except trio.TooSlowError:
            raise HTTPException(503, "the disk is too busy") from None
        except OSError as error:
            raise HTTPException(503, f"the files cannot be read: {error.strerror}") from None
        return Response(msgspec.json.encode({**found, "absent": absent}), media_type=JSON)


class _Events:
    """The newest status at once, and then each newer one."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._begun = False

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        if self._begun:
            await self._board.wait()
        self._begun = True
        return b"event: status\ndata: " + self._board.encoded + b"\n\n"


class _EventStream(StreamingResponse):
    """Holds a place for as long as it is sent."""

    def __init__(self, events: _Events, place: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__(events, media_type=EVENTS)
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place():
            await super().__call__(scope, receive, send)


def _find_symbols(watched: Watched, query: str, limit: int) -> tuple[list[dict[str, str]], bool]:
    """Symbols that contain the query, in whatever case, and whether there are more.

    Also those that are wanted and not recorded: their page says why.
    """
    wanted = query.strip().casefold()
    absent = (
        (name, symbol)
        for name, venue in watched.venues.items()
        for symbol in (*venue.absent.left_out, *venue.absent.not_listed)
    )
    found = sorted(
        (exchange, symbol)
        for exchange, symbol in {*watched.instruments, *absent}
        if exchange and wanted in f"{exchange}/{symbol}".casefold()
    )
    chosen = [{"exchange": exchange, "symbol": symbol} for exchange, symbol in found[:limit]]
    return chosen, len(found) > limit


def _page_files() -> dict[str, bytes]:
    """What the page is made of, by name; read once, because a disk may be gone when it is asked."""
    folder = resources.files("tick_logger.ops.web").joinpath("page")
    return {each.name: each.read_bytes() for each in folder.iterdir() if _type(each.name)}


def _type(name: str) -> str:
    return _TYPES.get(name.rpartition(".")[2], "")


def _text(request: Request, name: str) -> str:
    text = request.query_params.get(name, "")
    if len(text) > MOST_QUERY_CHARS:
        raise HTTPException(400, f"{name} is longer than {MOST_QUERY_CHARS} characters")
    return text


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= most):
        raise HTTPException(400, f"{name} must be a number from 1 to {most}")
    return int(text)


def _answer(status: int, reason: str) -> ASGIApp:
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    body = msgspec.json.encode({"error": reason})
    return Response(body, status, media_type=JSON, headers=headers)


async def _refused(_request: Request, error: Any) -> Response:  # noqa: ANN401 - starlette's type
    body = msgspec.json.encode({"error": error.detail})
    return Response(body, error.status_code, media_type=JSON, headers=error.headers)


async def _failed(_request: Request, _error: Exception) -> Response:
    return Response(msgspec.json.encode({"error": "a fault of ours"}), 500, media_type=JSON)
