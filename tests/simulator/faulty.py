"""A small Binance with faults, and clients of one stream of its trades."""

from __future__ import annotations

from typing import Any

import trio
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, exchange
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults

BTC = "BTCUSDT"
TRADES = "/ws/btcusdt@trade?timeUnit=MICROSECOND"


def binance(**faults: object) -> SimulatedExchange:
    """An exchange with these faults."""
    chosen: dict[str, Any] = faults
    return exchange("binance", faults=Faults(**chosen))


async def running(nursery: trio.Nursery, served: SimulatedExchange) -> WebSocketConnection:
    """A client of one trade stream of a running market."""
    connection = await connect(nursery, served, TRADES)
    await nursery.start(served.run_market)
    return connection


def ids(got: list[dict[str, Any]]) -> list[int]:
    """The trade ids."""
    return [each["t"] for each in got]
