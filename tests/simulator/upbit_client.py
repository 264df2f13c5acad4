"""Requests of Upbit clients, as the tests of its dialect send them."""

from __future__ import annotations

import json
from typing import Any

import trio
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, messages
from tick_logger.simulator.exchange import SimulatedExchange

NAME = "upbit"
PATH = "/websocket/v1"
BTC, ETH = "KRW-BTC", "KRW-ETH"
TYPES = ("ticker", "trade", "orderbook")
LIST = {"method": "LIST_SUBSCRIPTIONS"}
TICKET = {"ticket": "t"}

Part = dict[str, Any]


def wish(kind: str, *codes: str, **options: bool) -> Part:
    """One type of a request."""
    return {"type": kind, "codes": list(codes or (BTC,)), **options}


async def ask(connection: WebSocketConnection, *parts: Part, form: str = "DEFAULT") -> None:
    """Send a request with a ticket and a format."""
    await connection.send_message(json.dumps([TICKET, *parts, {"format": form}]))


async def streamed(
    nursery: trio.Nursery, served: SimulatedExchange, *parts: Part, secs: float
) -> list[Part]:
    """What one client gets in answer to one request while the market runs."""
    connection = await connect(nursery, served, PATH)
    await ask(connection, *parts)
    await nursery.start(served.run_market)
    return await messages(connection, secs)


def of(got: list[Part], kind: str, stream: str | None = None) -> list[Part]:
    """The messages of a type, and of one stream type if given."""
    return [m for m in got if m["type"] == kind and stream in (None, m["stream_type"])]
