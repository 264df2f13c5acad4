"""Plain clients of the simulated Bybit, spot and linear."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, messages, send
from tick_logger.simulator.exchange import SimulatedExchange

BTC, ETH = "BTCUSDT", "ETHUSDT"
PATHS = {"bybit": "/v5/public/spot", "bybit_linear": "/v5/public/linear"}
each_venue = pytest.mark.parametrize("name", PATHS)


def request(op: str, *args: str, **more: object) -> dict[str, Any]:
    """A request of a client."""
    return {"op": op, "args": list(args), **more}


async def client(
    nursery: trio.Nursery, served: SimulatedExchange, path: str = ""
) -> WebSocketConnection:
    """A connection of the venue's own category, unless another path is named."""
    return await connect(nursery, served, path or PATHS[served.name])


async def streamed(
    nursery: trio.Nursery, served: SimulatedExchange, secs: float, *topics: str
) -> list[dict[str, Any]]:
    """What the topics send while the market runs, from the greetings on."""
    connection = await client(nursery, served)
    await send(connection, request("subscribe", *topics))
    await nursery.start(served.run_market)
    return [each for each in await messages(connection, secs) if "topic" in each]
