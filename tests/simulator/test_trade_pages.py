"""Pages of trades by REST: of the true history, as the venue gives them, and gone wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import trio.testing
from trio.testing import MockClock

from tests.simulator.clients import exchange, http_get, memory_get
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults, PageFaults
from tick_logger.simulator.trade_pages import OVERLAP
from tick_logger.simulator.truth import TrueTrade


class Venue(NamedTuple):
    """A venue, two of its symbols, how a page is asked for, and how its ids are read."""

    name: str
    symbol: str
    other: str
    target: str
    """With places for the symbol, the highest id that is wanted, and the number of trades."""
    newest_first: bool
    ids: Callable[[Any], list[int]]
    most: int


def _from(trades: str) -> Callable[[Any], list[int]]:
    return lambda page: [each[trades] for each in page]


COINBASE = Venue(
    "coinbase",
    "BTC-USD",
    "ETH-USD",
    "/products/{symbol}/trades?limit={limit}&after={above}",
    newest_first=True,
    ids=_from("trade_id"),
    most=1000,
)
OKX = Venue(
    "okx",
    "BTC-USDT",
    "ETH-USDT",
    "/api/v5/market/history-trades?instId={symbol}&type=1&after={above}&limit={limit}",
    newest_first=True,
    ids=lambda page: [int(each["tradeId"]) for each in page["data"]],
    most=100,
)
BINANCE = Venue(
    "binance",
    "BTCUSDT",
    "ETHUSDT",
    "/api/v3/historicalTrades?symbol={symbol}&fromId={below}&limit={limit}",
    newest_first=False,
    ids=_from("id"),
    most=1000,
)
VENUES = [BINANCE, COINBASE, COINBASE._replace(name="coinbase_advanced"), OKX]
each_venue = pytest.mark.parametrize("venue", VENUES, ids=lambda each: each.name)


def traded(venue: Venue, **pages: float | str) -> SimulatedExchange:
    """A venue with a few hundred trades, to which nobody is subscribed."""
    chosen: dict[str, Any] = pages
    faults = Faults(pages=PageFaults(**chosen), id_hole_probability=0.3)
    served = exchange(venue.name, messages_per_second=500.0, faults=faults)
    for _ in range(4):
        served.step_once(0.5)
    return served


def target(venue: Venue, last_id: int, limit: int) -> str:
    """Asks for as many trades, the newest of which has this id."""
    return venue.target.format(
        symbol=venue.symbol, above=last_id + 1, below=last_id - limit + 1, limit=limit
    )


def asked(served: SimulatedExchange, venue: Venue, last_id: int, limit: int) -> list[int]:
    """The ids on a page."""
    status, body = served.rest(target(venue, last_id, limit))
    assert status == 200
    return venue.ids(json.loads(body))


def ids(trades: list[TrueTrade]) -> list[int]:
    """Theirs."""
    return [trade.trade_id for trade in trades]


@each_venue
async def test_a_page_is_part_of_the_true_history(venue: Venue, autojump_clock: MockClock) -> None:
    """Also of trades that were withheld, and from before the start."""
    served = traded(venue)
    true = ids(served.truth.trades(venue.symbol))
    assert len(true) > 40
    expected = true[-20:-10]
    assert asked(served, venue, true[-11], 10) == (
        expected[::-1] if venue.newest_first else expected
    )
    whole = asked(served, venue, true[-1], venue.most)
    assert set(whole) == set(true[-venue.most :])


@each_venue
async def test_what_the_venue_refuses(venue: Venue, autojump_clock: MockClock) -> None:
    served = traded(venue)
    unknown = target(venue, 10, 10).replace(venue.symbol, "NO-SUCH")
    status, body = served.rest(unknown)
    assert status >= 400 or json.loads(body)["code"] == "51001"
    status, body = served.rest(target(venue, 10**10, venue.most + 1))
    assert status == 400
    for bad in ("limit=x", "limit=0"):
        assert served.rest(target(venue, 10, 10).replace("limit=10", bad))[0] == 400


@each_venue
async def test_a_page_may_overlap_its_neighbours(venue: Venue, autojump_clock: MockClock) -> None:
    served = traded(venue, overlap_probability=1.0)
    true = ids(served.truth.trades(venue.symbol))
    expected = true[-20 - OVERLAP : -10 + OVERLAP]
    assert sorted(asked(served, venue, true[-11], 10)) == expected


@each_venue
async def test_a_page_may_be_empty(venue: Venue, autojump_clock: MockClock) -> None:
    served = traded(venue, empty_probability=1.0)
    assert asked(served, venue, ids(served.truth.trades(venue.symbol))[-1], 10) == []


@each_venue
async def test_a_page_may_come_again(venue: Venue, autojump_clock: MockClock) -> None:
    served = traded(venue, repeat_probability=1.0)
    true = ids(served.truth.trades(venue.symbol))
    first = asked(served, venue, true[-1], 10)
    assert asked(served, venue, true[-11], 10) == first


@each_venue
async def test_a_page_may_be_short_and_cut_at_a_tie(
    venue: Venue, autojump_clock: MockClock
) -> None:
    """It lacks what a page after it would begin with."""
    served = traded(venue, short_probability=1.0)
    true = served.truth.trades(venue.symbol)
    got = sorted(asked(served, venue, true[-1].trade_id, 20))
    assert 0 < len(got) < 20
    assert got == (ids(true)[-len(got) :] if venue.newest_first else ids(true)[-20:][: len(got)])
    times = {trade.trade_id: trade.event_ns for trade in true}
    if len({times[each] for each in ids(true)[-20:]}) < 20:
        edge = got[0] - 1 if venue.newest_first else got[-1] + 1
        assert times[edge] == times[got[0] if venue.newest_first else got[-1]]


@each_venue
async def test_a_page_may_have_another_symbols_trades(
    venue: Venue, autojump_clock: MockClock
) -> None:
    served = traded(venue, of_another_probability=1.0)
    got = asked(served, venue, ids(served.truth.trades(venue.symbol))[-1], 10)
    assert got
    assert set(got) <= set(ids(served.truth.trades(venue.other)))


@each_venue
async def test_pages_may_be_behind(venue: Venue, autojump_clock: MockClock) -> None:
    """By so many seconds of the clock that is never off."""
    served = traded(venue, lag_secs=1.0)
    true = served.truth.trades(venue.symbol)
    until_ns = served.market.true_ns - 10**9
    told = [trade.trade_id for trade in true if trade.made_ns <= until_ns]
    assert 0 < len(told) < len(true)
    assert max(asked(served, venue, true[-1].trade_id, venue.most)) == told[-1]


@each_venue
async def test_an_answer_may_end_early_or_be_for_humans(
    venue: Venue, autojump_clock: MockClock
) -> None:
    """Other answers are not touched by what happens to pages."""
    served = traded(venue, truncated_probability=1.0)
    asks = target(venue, ids(served.truth.trades(venue.symbol))[-1], 10)
    with pytest.raises(ValueError, match="line 1"):
        json.loads(served.rest(asks)[1])
    served.set_faults(Faults(pages=PageFaults(web_page_probability=1.0)))
    assert await memory_get(served, asks) == [(200, served.rest(asks)[1])]
    assert served.rest(asks)[1].startswith(b"<!DOCTYPE html>")
    assert b"<html>" not in served.rest("/nothing")[1]


@each_venue
async def test_requests_may_be_refused_with_a_time_to_wait(
    venue: Venue, autojump_clock: MockClock
) -> None:
    """Whoever comes back sooner is written down."""
    served = traded(venue, refusal_probability=1.0, refusal_status=418, retry_after="5")
    asks = target(venue, ids(served.truth.trades(venue.symbol))[-1], 10)
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(served.serve_stream, theirs)
        assert [status for status, _ in await http_get(ours, asks)] == [418]
        assert served.retry_after == "5"
        await trio.sleep(5.0)
        assert [status for status, _ in await http_get(ours, asks)] == [418]
        assert served.violations == []
        await trio.sleep(4.0)
        await http_get(ours, asks)
        await ours.aclose()
    assert [text for text in served.violations if "before the time it was told" in text]
