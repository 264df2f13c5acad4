"""What is served of days that were recorded, by a recorder and over a recording at rest.

    /api/recorded/days      a calendar: each exchange with its days
    /api/recorded/symbols   the symbols, of all days or of one
    /api/recorded/day       a day of a symbol, as a chart needs it
    /api/recorded/book      the order book of a symbol at a moment

Parameters are judged here; what they mean in the recording is asked through a port (`Past`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tick_logger.ops.status.past import Past
from tick_logger.ops.web.asking import Reads, number, require_seen, text
from tick_logger.ops.web.guard import JSON, Answer
from tick_logger.ops.web.scopes import granted

MOST_READS = 1
"""Threads: the port takes one call at a time, and charts must not crowd out the last trades."""

MOST_SYMBOLS = 200
"""Of one answer; there are pages of them."""

MOST_OFFSET = 1_000_000
MOST_BUCKETS = 1_200
DEFAULT_BUCKETS = 600
MOST_DEPTH = 100
DEFAULT_DEPTH = 10
LATEST_NS = 4_102_444_800 * 10**9
"""2100-01-01: no day is later."""


class PastAnswers:
    """The answers; `past` is asked by one thread at a time."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._reads = Reads(MOST_READS)

    @property
    def by_path(self) -> Mapping[str, Answer]:
        """What answers which path."""
        return {
            "/api/recorded/days": self.days,
            "/api/recorded/symbols": self.symbols,
            "/api/recorded/day": self.day,
            "/api/recorded/book": self.book,
        }

    async def days(self, request: Request) -> Response:
        """The calendar."""
        read = partial(self._past.calendar, granted(request).exchanges)
        return Response(await self._reads.run(read), media_type=JSON)

    async def symbols(self, request: Request) -> Response:
        """Some of the symbols, in an order."""
        given = request.query_params
        read = partial(
            self._past.symbols,
            text(request, "q"),
            text(request, "exchange") if "exchange" in given else None,
            text(request, "day") if "day" in given else None,
            text(request, "sort") or "symbol",
            number(request, "offset", 0, MOST_OFFSET, least=0),
            number(request, "limit", 50, MOST_SYMBOLS),
            granted(request).exchanges,
        )
        return Response(await self._reads.run(read), media_type=JSON)

    async def day(self, request: Request) -> Response:
        """A day, or a range in it."""
        read = partial(
            self._past.day,
            *_symbol(request),
            text(request, "day"),
            number(request, "from_ns", 0, LATEST_NS, least=0),
            number(request, "to_ns", 0, LATEST_NS, least=0),
            number(request, "buckets", DEFAULT_BUCKETS, MOST_BUCKETS),
        )
        return Response(await self._reads.run(read), media_type=JSON)

    async def book(self, request: Request) -> Response:
        """The order book at a moment."""
        _given(request, "at_ns")
        read = partial(
            self._past.book,
            *_symbol(request),
            number(request, "at_ns", 0, LATEST_NS, least=0),
            number(request, "depth", DEFAULT_DEPTH, MOST_DEPTH),
        )
        return Response(await self._reads.run(read), media_type=JSON)


def _symbol(request: Request) -> tuple[str, str]:
    """Exchange and symbol, which whoever asks may be told of."""
    exchange, symbol = text(request, "exchange"), _given(request, "symbol")
    require_seen(request, exchange, f"nothing is recorded of {exchange}:{symbol}")
    return exchange, symbol


def _given(request: Request, name: str) -> str:
    """A parameter that must not be left out."""
    value = text(request, name)
    if not value:
        raise HTTPException(400, f"{name} is missing")
    return value
