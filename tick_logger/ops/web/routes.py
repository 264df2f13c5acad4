"""The HTTP surface of a recorder: which path answers what.  Everything is read only.

    /health        the process lives and its loop turns; healthy or degraded, with reasons
    /ready         200 or 503, with reasons
    /metrics       for Prometheus
    /api/status    everything the page shows; /api/events the same, once a second
    /api/symbols   which symbols there are; /api/symbol the last trades of one
    /api/recorded  what was recorded on any day (`past`)
    /              the page

Not here: who is let in (`guard`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from tick_logger.ops.status.board import Board
from tick_logger.ops.status.watched import Watched
from tick_logger.ops.web.asking import Reads, number, require_seen, text
from tick_logger.ops.web.guard import JSON, Answer, Door, guarded
from tick_logger.ops.web.host_names import HostNames
from tick_logger.ops.web.past import PastAnswers
from tick_logger.ops.web.scopes import Key, Scope, granted
from tick_logger.ops.web.streams import Streams

MOST_READS = 2
"""Threads that read column files for pages at a time; recording needs the disk more."""

MOST_SYMBOLS = 200


def application(
    watched: Watched,
    board: Board,
    *,
    token: str = "",
    keys: Sequence[Key] = (),
    names: HostNames | None = None,
) -> ASGIApp:
    """The ASGI application; every request is counted by path and status.

    With a token or keys, whoever sends none of them is refused; so is who asks by another name than
    `names` admit, where these are given.
    """
    surface = _Surface(watched, board)
    paths: dict[str, Answer] = {
        "/health": surface.health,
        "/ready": surface.ready,
        "/metrics": surface.metrics,
        "/api/status": surface.status,
        "/api/events": surface.events,
        "/api/symbols": surface.symbols,
        "/api/symbol": surface.symbol,
    }
    answers = {**paths, **PastAnswers(watched.past).by_path}
    door = Door(requests=watched.metrics.http_requests, token=token, keys=keys, names=names)
    return guarded(answers, door)


class _Surface:
    """The answers."""

    def __init__(self, watched: Watched, board: Board) -> None:
        self._watched = watched
        self._board = board
        self._streams = Streams()
        self._reads = Reads(MOST_READS)

    async def health(self, request: Request) -> Response:
        status = self._board.told(granted(request).exchanges).document
        names = (
            "connected", "connections_up", "connections_wanted", "unreachable", "symbols",
            "messages_per_second", "last_message", "last_message_at", "dropped", "left_out",
            "not_listed",
        )  # fmt: skip
        exchanges = status["exchanges"]
        said = {
            "status": status["status"],
            "reasons": status["reasons"],
            "version": status["version"],
            "now": status["now"],
            "now_at": status["now_at"],
            "started_at": status["started_at"],
            "uptime_secs": status["uptime_secs"],
            "connections": {
                "up": sum(each["connections_up"] for each in exchanges),
                "wanted": sum(each["connections_wanted"] for each in exchanges),
            },
            "messages_dropped": status["messages_dropped"],
            "exchanges": {each["name"]: {name: each[name] for name in names} for each in exchanges},
        }
        return Response(msgspec.json.encode(said), media_type=JSON)

    async def ready(self, request: Request) -> Response:
        reasons = self._board.not_ready(granted(request).exchanges)
        said = {"ready": not reasons, "reasons": reasons}
        return Response(msgspec.json.encode(said), 503 if reasons else 200, media_type=JSON)

    async def metrics(self, request: Request) -> Response:
        text = self._watched.metrics.text(granted(request).exchanges)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    async def status(self, request: Request) -> Response:
        told = self._board.told(granted(request).exchanges)
        return Response(told.encoded, media_type=JSON)

    async def events(self, request: Request) -> Response:
        events = _Events(self._board, granted(request).exchanges)
        return self._streams.answer(request, events)

    async def symbols(self, request: Request) -> Response:
        query = text(request, "q")
        limit = number(request, "limit", 50, MOST_SYMBOLS)
        found, more = _find_symbols(self._watched, granted(request), query, limit)
        return Response(msgspec.json.encode({"symbols": found, "more": more}), media_type=JSON)

    async def symbol(self, request: Request) -> Response:
        names = exchange, symbol = text(request, "exchange"), text(request, "symbol")
        require_seen(request, exchange, f"{exchange} has no symbol {symbol} here")
        read = partial(self._watched.read_symbol, *names)
        venue = self._watched.venues.get(exchange)
        absent = venue.absent.why(symbol) if venue else ""
        found = await self._reads.run(read, absent)
        said = {**found, "absent": absent, "pair": self._watched.pair_of(*names)}
        return Response(msgspec.json.encode(said), media_type=JSON)


class _Events:
    """The newest status at once, and then each newer one."""

    def __init__(self, board: Board, exchanges: frozenset[str] | None) -> None:
        self._board = board
        self._exchanges = exchanges
        self._begun = False

    def __aiter__(self) -> _Events:
        return self

    async def __anext__(self) -> bytes:
        if self._begun:
            await self._board.wait()
        self._begun = True
        return b"event: status\ndata: " + self._board.told(self._exchanges).encoded + b"\n\n"


def _find_symbols(
    watched: Watched, scope: Scope, query: str, limit: int
) -> tuple[list[dict[str, str | None]], bool]:
    """Symbols that contain the query, in whatever case, by either name; and whether there are more.

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
        if exchange and scope.sees(exchange)
        if wanted in f"{exchange}/{symbol}\n{watched.pair_of(exchange, symbol)}".casefold()
    )
    chosen = [
        {"exchange": exchange, "symbol": symbol, "pair": watched.pair_of(exchange, symbol)}
        for exchange, symbol in found[:limit]
    ]
    return chosen, len(found) > limit
