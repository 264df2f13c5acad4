"""A served recorder for the tests: everything behind its paths, and clients of it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
import httpx2

from tests.ops.watched import Rig
from tests.ops.web.sockets import SOON_SECS, Server, serving
from tick_logger.model.instruments import Instruments
from tick_logger.ops.status.board import Board
from tick_logger.ops.status.past import Past
from tick_logger.ops.web.routes import application
from tick_logger.ops.web.scopes import Key

PATHS = ("/", "/health", "/ready", "/metrics", "/api/status", "/api/symbols", "/api/events")
FILES = ("/page/page.css", "/page/page.js", "/page/index.html")


@attrs.define
class Reader:
    """Stands for the column files of one symbol."""

    asked: list[tuple[str, str]] = attrs.field(factory=list)
    error: Exception | None = None
    wait: threading.Event | None = None

    def __call__(self, exchange: str, symbol: str) -> dict[str, Any]:
        self.asked.append((exchange, symbol))
        if self.wait is not None:
            self.wait.wait(SOON_SECS)
        if self.error is not None:
            raise self.error
        return {"exchange": exchange, "symbol": symbol, "trades": []}


@attrs.define
class Site:
    """What is served, what stands behind it, and a client."""

    rig: Rig
    board: Board
    reader: Reader
    server: Server
    client: httpx2.AsyncClient

    def requests(self) -> dict[tuple[str, str], float]:
        """What was counted, by path and status."""
        return {
            (sample.labels["path"], sample.labels["status"]): sample.value
            for sample in next(iter(self.rig.metrics.http_requests.collect())).samples
            if sample.name.endswith("_total")
        }


@asynccontextmanager
async def site(
    token: str = "", keys: Sequence[Key] = (), past: Past | None = None
) -> AsyncIterator[Site]:
    """A recorder of two exchanges."""
    rig, reader, instruments = Rig(), Reader(), Instruments()
    for exchange, symbol in (("alpha", "BTC-USD"), ("beta", "BTC/EUR"), ("alpha", "ETH-USD")):
        instruments.add(exchange, symbol)
    board = rig.board()
    changes = {} if past is None else {"past": past}
    watched = rig.watched(instruments=instruments, read_symbol=reader, **changes)
    async with (
        serving(application(watched, board, token=token, keys=keys)) as server,
        httpx2.AsyncClient(base_url=server.address, timeout=SOON_SECS) as client,
    ):
        yield Site(rig, board, reader, server, client)
