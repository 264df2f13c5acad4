"""What the Bybit dialects say of their market, seen by a plain WebSocket client."""

from __future__ import annotations

import itertools
import uuid
from collections import Counter
from decimal import Decimal

import pytest
import trio
from trio.testing import MockClock

from tests.simulator.bybit_client import BTC, client, each_venue, request, streamed
from tests.simulator.clients import exchange, messages, send
from tick_logger.simulator.faults import Faults


@each_venue
async def test_the_truth_knows_every_trade(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Ids as they are to be recorded, times in whole milliseconds, texts and sides."""
    served = exchange(name, messages_per_second=300.0)
    got = await streamed(nursery, served, 5.0, f"publicTrade.{BTC}")
    sent = [trade for each in got for trade in each["data"]]
    true = served.truth.sent(BTC)
    assert len(sent) > 50
    assert max(len(each["data"]) for each in got) > 1
    linear = name == "bybit_linear"
    assert [
        (uuid.UUID(t["i"]).int >> 68 if linear else int(t["i"]), t["T"] * 10**6, t["p"], t["v"],
         t["S"].lower())
        for t in sent
    ] == [
        (t.trade_id, t.event_ns, t.price, t.size, t.side) for t in true
    ][: len(sent)]  # fmt: skip
    assert len(true) - len(sent) <= 4  # the last order may have come after the last read
    assert len({t.trade_id for t in true}) == len(true)
    ids = [t.trade_id for t in true]
    assert (ids == sorted(ids)) is not linear
    assert {len(str(i)) for i in ids} == {19} or linear


async def test_a_withheld_trade_leaves_no_trace(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Holes in the ids of spot are there anyway; the truth knows which trades were not sent."""
    served = exchange("bybit", faults=Faults(id_hole_probability=0.3))
    got = await streamed(nursery, served, 5.0, f"publicTrade.{BTC}")
    assert all(each["data"] for each in got)
    sent = [int(trade["i"]) for each in got for trade in each["data"]]
    assert sent == [each.trade_id for each in served.truth.sent(BTC)][: len(sent)]
    assert served.truth.withheld(BTC)


@each_venue
@pytest.mark.parametrize("depth", [50, 200])
async def test_a_book_adds_up_to_as_many_levels_as_it_is_named_for(
    name: str, depth: int, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """A snapshot, then deltas with the next update id; zero deletes what is pushed out too."""
    served = exchange(name, messages_per_second=500.0, book_levels=80)
    await nursery.start(served.run_market)
    await trio.sleep(1.001)
    connection = await client(nursery, served)
    await send(connection, request("subscribe", f"orderbook.{depth}.{BTC}"))
    got = [each for each in await messages(connection, 5.01) if "topic" in each]
    assert [each["type"] for each in got] == ["snapshot"] + ["delta"] * (len(got) - 1)
    ids = [each["data"]["u"] for each in got]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    period_ms = {"bybit": 200, "bybit_linear": 100}[name]
    steps = {b["ts"] - a["ts"] for a, b in itertools.pairwise(got[1:])}
    assert len(got) > 15
    assert min(steps) == period_ms
    for side, is_bid in (("b", True), ("a", False)):
        levels: dict[str, str] = {}
        for price, size in itertools.chain(*(each["data"][side] for each in got)):
            levels[price] = size
            if size == "0":
                del levels[price]
        listing = served.market.listings[BTC]
        assert {Decimal(price): Decimal(size) for price, size in levels.items()} == {
            Decimal(listing.spec.price(ticks)): Decimal(listing.spec.size(lots))
            for ticks, lots in listing.book.levels(is_bid, depth)
        }


@each_venue
async def test_a_second_subscriber_goes_on_where_the_first_is(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Its snapshot is the book as of the last delta of all."""
    served = exchange(name, messages_per_second=500.0)
    await nursery.start(served.run_market)
    first, second = await client(nursery, served), await client(nursery, served)
    ids = []
    for connection in (first, second):
        await send(connection, request("subscribe", f"orderbook.200.{BTC}"))
        got = await messages(connection, 1.05)
        ids.append([each["data"]["u"] for each in got if "topic" in each])
    assert ids[1] == list(range(ids[0][-1], ids[0][-1] + len(ids[1])))
    later = [each["data"]["u"] for each in await messages(first, 0.01)]
    assert later[: len(ids[1]) - 1] == ids[1][1:]


@each_venue
async def test_best_prices_come_on_changes_and_every_three_seconds(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Snapshots only; what is repeated keeps its update id."""
    served = exchange(name, messages_per_second=2.0)
    got = await streamed(nursery, served, 60.0, f"orderbook.1.{BTC}")
    assert {each["type"] for each in got} == {"snapshot"}
    assert {(len(each["data"]["b"]), len(each["data"]["a"])) for each in got} == {(1, 1)}
    steps: Counter[int] = Counter()
    for one, two in itertools.pairwise(got):
        steps[two["data"]["u"] - one["data"]["u"]] += 1
        same = {k: one["data"][k] == two["data"][k] for k in ("u", "b", "a")}
        assert same["u"] == (same["b"] and same["a"])
    assert set(steps) == {0, 1}


async def test_linear_tickers_are_deltas_that_add_up(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """Price and size of a side come together; some say nothing of the best prices."""
    served = exchange("bybit_linear", messages_per_second=60.0)
    got = await streamed(nursery, served, 20.0, f"tickers.{BTC}")
    assert [each["type"] for each in got] == ["snapshot"] + ["delta"] * (len(got) - 1)
    state = dict(got[0]["data"])
    for each in got[1:]:
        data = each["data"]
        assert ("bid1Price" in data) == ("bid1Size" in data)
        assert any(state[field] != value for field, value in data.items())
        state |= data
    listing = served.market.listings[BTC]
    assert listing.last_trade is not None
    true = served.truth.trades(BTC)
    assert state["lastPrice"] in {trade.price for trade in true[-20:]}
    priced = [each for each in got if {"lastPrice", "bid1Price", "ask1Price"} & each["data"].keys()]
    assert 20 < len(priced) < len(got) <= 201


async def test_spot_tickers_are_snapshots_without_best_prices(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """At most every 50 ms, and only when something has changed."""
    served = exchange("bybit", messages_per_second=300.0)
    got = await streamed(nursery, served, 5.0, f"tickers.{BTC}")
    assert {each["type"] for each in got} == {"snapshot"}
    assert len({each["ts"] for each in got}) == len(got) > 20
    assert all(b["ts"] - a["ts"] >= 50 for a, b in itertools.pairwise(got[1:]))
    assert not {"bid1Price", "ask1Price"} & got[0]["data"].keys()
