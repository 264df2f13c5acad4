"""A plain client of the simulated Kraken: its requests, and what it reads of messages."""

from __future__ import annotations

import json
from typing import Any

import trio
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, messages, send, texts
from tick_logger.simulator.exchange import SimulatedExchange

NAME = "kraken"
BTC, ETH, SHIB = "BTC/USD", "ETH/USD", "SHIB/USD"
TIMES = ("time_in", "time_out")


def subscribe(channel: str, *symbols: str, req_id: int | None = 1, **own: object) -> dict[str, Any]:
    """A request of a client."""
    params = {"channel": channel, "symbol": list(symbols), **own}
    request = {"method": "subscribe", "params": params}
    return request if req_id is None else request | {"req_id": req_id}


async def opened(nursery: trio.Nursery, served: SimulatedExchange) -> WebSocketConnection:
    """A connection that was greeted with the status."""
    connection = await connect(nursery, served, "/v2")
    (status,) = await messages(connection, 0.1)
    assert status["channel"] == "status"
    return connection


async def recorded(
    nursery: trio.Nursery, served: SimulatedExchange, secs: float, *requests: dict[str, Any]
) -> list[bytes]:
    """Everything that a client with these subscriptions is sent while the market runs."""
    connection = await opened(nursery, served)
    await nursery.start(served.run_market)
    for request in requests:
        await send(connection, request)
    return [str(text).encode() for text in await texts(connection, secs)]


def of_channel(got: list[bytes], channel: str, kind: str = "") -> list[dict[str, Any]]:
    """The messages of a channel, numbers as the texts that were sent."""
    parsed = [json.loads(text, parse_float=str, parse_int=str) for text in got]
    of = [m for m in parsed if m.get("channel") == channel]
    return [m for m in of if not kind or m["type"] == kind]


def timeless(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without its times, which are there."""
    return {key: value for key, value in answer.items() if key not in TIMES} | {
        "times": all(answer[key].endswith("Z") for key in TIMES)
    }
