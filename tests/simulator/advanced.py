"""What the tests of the Advanced Trade dialect share: requests, and a look into messages."""

from __future__ import annotations

import itertools
from typing import Any

import trio
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, send
from tick_logger.simulator.exchange import SimulatedExchange

BTC, ETH = "BTC-USD", "ETH-USD"
NAME = "coinbase_advanced"
CHANNELS = ("market_trades", "ticker", "level2")
HEARTBEATS = {"type": "subscribe", "channel": "heartbeats"}

Message = dict[str, Any]


def subscribe(channel: str, *products: str) -> Message:
    """A subscribe request."""
    return {"type": "subscribe", "product_ids": list(products or (BTC, ETH)), "channel": channel}


def of_channel(got: list[Message], channel: str) -> list[Message]:
    return [message for message in got if message.get("channel") == channel]


def events(got: list[Message], channel: str, kind: str = "update") -> list[Message]:
    """All events of a kind, in order."""
    found = itertools.chain.from_iterable(each["events"] for each in of_channel(got, channel))
    return [event for event in found if event["type"] == kind]


async def client(
    nursery: trio.Nursery, served: SimulatedExchange, *requests: Message
) -> WebSocketConnection:
    """A client of a running market that has sent these requests."""
    connection = await connect(nursery, served)
    for request in requests:
        await send(connection, request)
    await nursery.start(served.run_market)
    return connection


ALL = (HEARTBEATS, *(subscribe(channel) for channel in CHANNELS))
