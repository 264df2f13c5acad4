"""Subscriptions that are acknowledged and deliver nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection

from tests.simulator.clients import connect, exchange, messages, send
from tick_logger.simulator.faults import Faults

SILENT = Faults(silent_symbols=frozenset({"BTCUSDT", "BTC-USD"}))


@attrs.frozen
class Speech:
    """How to ask an exchange for the trades of two symbols, and to end that."""

    name: str
    path: str
    btc: str
    eth: str
    subscribe: dict[str, Any]
    unsubscribe: dict[str, Any]


_STREAMS = {"params": ["btcusdt@trade", "ethusdt@trade"], "id": 1}
_PRODUCTS = {"product_ids": ["BTC-USD", "ETH-USD"], "channels": ["matches"]}
SPEECHES = (
    Speech(
        "binance",
        "/ws",
        "BTCUSDT",
        "ETHUSDT",
        {"method": "SUBSCRIBE", **_STREAMS},
        {"method": "UNSUBSCRIBE", **_STREAMS},
    ),
    Speech(
        "coinbase",
        "/",
        "BTC-USD",
        "ETH-USD",
        {"type": "subscribe", **_PRODUCTS},
        {"type": "unsubscribe", **_PRODUCTS},
    ),
)


async def heard(connection: WebSocketConnection, secs: float = 2.0) -> set[str]:
    """The symbols of the trades that arrive; "ack" stands for an acknowledgement."""
    return {
        each.get("s") or each.get("product_id") or "ack"
        for each in await messages(connection, secs)
    }


@pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.name)
async def test_silent_subscriptions_are_acknowledged_and_not_delivered(
    speech: Speech, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Those made before the fault and during it, until they are made again after it."""
    served = exchange(speech.name)
    early = await connect(nursery, served, speech.path)
    await nursery.start(served.run_market)
    await send(early, speech.subscribe)
    assert await heard(early) == {speech.btc, speech.eth, "ack"}
    served.set_faults(SILENT)
    late = await connect(nursery, served, speech.path)
    await send(late, speech.subscribe)
    assert await heard(late) == {speech.eth, "ack"}
    await heard(early)  # also what came before the fault
    served.set_faults(Faults())
    assert await heard(early) == {speech.eth}
    await send(late, speech.unsubscribe)
    await send(late, speech.subscribe)
    assert await heard(late) == {speech.btc, speech.eth, "ack"}
    assert await heard(early) == {speech.eth}
    assert served.violations == []


@pytest.mark.parametrize("speech", SPEECHES, ids=lambda speech: speech.name)
async def test_the_truth_knows_what_nobody_was_sent(
    speech: Speech, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A trade counts as withheld from when every subscription is silent; others are not touched."""
    served = exchange(speech.name)
    client = await connect(nursery, served, speech.path)
    await nursery.start(served.run_market)
    await send(client, speech.subscribe)
    await heard(client)
    assert served.truth.withheld(speech.btc) == []
    served.set_faults(SILENT)
    sent = served.truth.sent(speech.btc)
    await heard(client)
    assert len(sent) >= 5
    assert served.truth.sent(speech.btc) == sent
    assert len(served.truth.withheld(speech.btc)) >= 5
    assert served.truth.withheld(speech.eth) == []
