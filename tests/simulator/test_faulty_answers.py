"""Answers that come late, refuse, or never come: as the faults say, and with no other effect."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from tests.simulator.clients import connect, exchange, memory_get, messages, rounded, send, texts
from tests.simulator.faulty import binance
from tick_logger.simulator.faults import Faults


async def test_delayed_acks_delay_the_effect_too(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Each request by the same time, in the order of the requests."""
    served = binance(ack_delay_secs=7.0)
    await nursery.start(served.run_market)
    connection = await connect(nursery, served, "/ws")
    await send(connection, {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1})
    await send(connection, {"method": "LIST_SUBSCRIPTIONS", "id": 2})
    assert await texts(connection, 6.99) == []
    one, two, *rest = await messages(connection, 3.0)
    assert (one, two) == ({"result": None, "id": 1}, {"result": ["btcusdt@trade"], "id": 2})
    assert rest


async def test_refused_symbols_are_refused(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """With each venue's kind of error, and without effect on the rest of the request."""
    refused = Faults(refused_symbols=frozenset({"BTCUSDT", "BTC-USD"}))
    one = await connect(nursery, exchange("binance", faults=refused), "/ws")
    params = ["ethusdt@trade", "btcusdt@trade"]
    await send(one, {"method": "SUBSCRIBE", "params": params, "id": 4})
    await send(one, {"method": "LIST_SUBSCRIPTIONS", "id": 5})
    error, listed = await messages(one, 1.0)
    assert (error["error"]["code"], error["id"]) == (2, 4)
    assert listed == {"result": [], "id": 5}
    two = await connect(nursery, exchange("coinbase", faults=refused))
    products = ["ETH-USD", "BTC-USD"]
    await send(two, {"type": "subscribe", "channels": ["ticker"], "product_ids": products})
    (reply,) = await messages(two, 1.0)
    assert reply["reason"] == "BTC-USD is not a valid product"


async def test_requests_with_never_acked_symbols_are_ignored(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """No answer and no effect, on either venue; the next request is answered as if alone."""
    silent = Faults(never_acked_symbols=frozenset({"BTCUSDT", "BTC-USD"}))
    one = await connect(nursery, exchange("binance", faults=silent), "/ws")
    await send(one, {"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 4})
    await send(one, {"method": "LIST_SUBSCRIPTIONS", "id": 5})
    assert await messages(one, 1.0) == [{"result": [], "id": 5}]
    two = await connect(nursery, exchange("coinbase", faults=silent))
    for product in ("BTC-USD", "ETH-USD"):
        request = {"type": "subscribe", "channels": ["heartbeat"], "product_ids": [product]}
        await send(two, request)
    (reply,) = await messages(two, 1.0)
    assert [each["product_ids"] for each in reply["channels"]] == [["ETH-USD"]]


async def test_rest_fails_with_a_status_or_hangs(autojump_clock: MockClock) -> None:
    """The status at once, the hang for its time, over HTTP and in the plain call."""
    served = binance(rest_status=503)
    assert [status for status, _ in await memory_get(served, "/api/v3/exchangeInfo")] == [503]
    assert served.rest("/api/v3/exchangeInfo")[0] == 503
    before = trio.current_time()
    served.set_faults(Faults(rest_hang_secs=40.0))
    assert [status for status, _ in await memory_get(served, "/api/v3/exchangeInfo")] == [200]
    assert rounded(trio.current_time() - before) == 40.0
