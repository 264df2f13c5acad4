"""Ids that begin again on request: those of trades everywhere, of quotes and books at Bybit."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.simulator.bybit_client import BTC, client, each_venue, request
from tests.simulator.clients import exchange, messages, send
from tick_logger.simulator.registry import DIALECTS


@pytest.mark.parametrize("name", DIALECTS)
async def test_trades_go_on_from_lower_ids_and_the_truth_knows_them_all(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Each time it is asked for; what was made before keeps its id."""
    served = exchange(name, messages_per_second=400.0)
    await nursery.start(served.run_market)
    await trio.sleep(2.0)
    symbol = served.truth.symbols()[0]
    before = served.truth.trades(symbol)
    served.begin_ids_again()
    await trio.sleep(4.0)
    made = served.truth.trades(symbol)
    assert served.ids_begun_again == 1
    assert made[: len(before)] == before
    assert len(made) > len(before)
    if name != "bybit_linear":  # whose ids have no order
        ids = [trade.trade_id for trade in made]
        falls = [n for n in range(1, len(ids)) if ids[n] <= ids[n - 1]]
        assert falls == [len(before)]


@each_venue
async def test_quotes_begin_at_1_and_are_pushed_again_unchanged(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """As the venue documents it for a restart of its service."""
    served = exchange(name, messages_per_second=20.0)
    connection = await client(nursery, served)
    await send(connection, request("subscribe", f"orderbook.1.{BTC}"))
    await nursery.start(served.run_market)
    before = await messages(connection, 5.0)
    served.begin_ids_again()
    after = await messages(connection, 20.0)
    ids = [each["data"]["u"] for each in before if "data" in each]
    again = [each["data"]["u"] for each in after if "data" in each]
    assert max(ids) > 1_000_000
    assert again[0] == 1
    assert again == sorted(again)
    assert again[-1] < 1_000


@each_venue
async def test_a_book_begins_with_a_snapshot_with_the_id_1(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """And its updates follow from there."""
    served = exchange(name, messages_per_second=100.0)
    connection = await client(nursery, served)
    await send(connection, request("subscribe", f"orderbook.50.{BTC}"))
    await nursery.start(served.run_market)
    await messages(connection, 3.04)  # between two steps of the market
    served.begin_ids_again()
    after = await messages(connection, 3.0)
    books = [each for each in after if "data" in each]
    assert (books[0]["type"], books[0]["data"]["u"]) == ("snapshot", 1)
    assert {each["type"] for each in books[1:]} == {"delta"}
    assert [each["data"]["u"] for each in books] == [*range(1, len(books) + 1)]
