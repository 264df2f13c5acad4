"""Clients of a simulated OKX."""

from __future__ import annotations

from typing import Any

import trio
import trio.testing
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, exchange, messages, send
from tick_logger.simulator.exchange import SimulatedExchange

NAME = "okx"
BTC, ETH = "BTC-USDT", "ETH-USDT"
PUBLIC, BUSINESS = "/ws/v5/public", "/ws/v5/business"
PUBLIC_CHANNELS = ("tickers", "trades", "bbo-tbt", "books", "books5")
Message = dict[str, Any]


def slow(**options: object) -> SimulatedExchange:
    """One in which minutes pass quickly: hardly anything happens, in long steps."""
    chosen: dict[str, Any] = {"messages_per_second": 0.5, "step_secs": 0.5, **options}
    return exchange(NAME, **chosen)


def request(op: str, *topics: tuple[str, str], number: str = "1") -> Message:
    """A request of a client."""
    args = [{"channel": channel, "instId": symbol} for channel, symbol in topics]
    return {"id": number, "op": op, "args": args}


async def subscribed(
    nursery: trio.Nursery, served: SimulatedExchange, *channels: str, symbol: str = BTC
) -> WebSocketConnection:
    """A client of channels of one instrument, of a market that runs from here on."""
    path = BUSINESS if "trades-all" in channels else PUBLIC
    connection = await connect(nursery, served, path)
    await send(connection, request("subscribe", *((channel, symbol) for channel in channels)))
    await trio.testing.wait_all_tasks_blocked()
    await nursery.start(served.run_market)
    return connection


async def streamed(
    nursery: trio.Nursery, served: SimulatedExchange, channel: str, secs: float
) -> list[Message]:
    """The data of one channel while the market runs, its greeting among it."""
    got = await messages(await subscribed(nursery, served, channel), secs)
    assert [each for each in got if "event" in each] == got[:1]
    assert {each["arg"]["channel"] for each in got} == {channel}
    return got[1:]
