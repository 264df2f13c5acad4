"""Walks of adapters over pages of simulated histories: all that is wanted, in few requests.

The oracle is the truth of the simulated venue.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchanges.trades_asked import ENDPOINT
from tests.simulator.clients import exchange
from tick_logger.exchanges._binance_trades import BinanceTrades
from tick_logger.exchanges._coinbase_advanced_trades import CoinbaseAdvancedTrades
from tick_logger.exchanges._coinbase_trades import CoinbaseTrades
from tick_logger.exchanges._okx_trades import OkxTrades
from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.trades_by_rest import TradesByRest, TradesWanted
from tick_logger.exchanges.walk import Walk
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults, PageFaults

VENUES: dict[str, tuple[str, Callable[[int], TradesByRest]]] = {
    "binance": ("BTCUSDT", BinanceTrades),
    "coinbase": ("BTC-USD", CoinbaseTrades),
    "coinbase_advanced": ("BTC-USD", CoinbaseAdvancedTrades),
    "okx": ("BTC-USDT", OkxTrades),
}
each_venue = pytest.mark.parametrize("name", VENUES)

_NEWEST_ASIDE = 8
"""Of the history, trades that are never wanted, so that pages have some beyond what is."""


_MISHAPS = ("web_page", "truncated", "empty", "overlap", "repeat", "short", "of_another")


@functools.cache
def traded(name: str) -> SimulatedExchange:
    """A venue with a few hundred trades of its first symbol."""
    served = exchange(name, messages_per_second=1000.0, seed=5)
    for _ in range(4):
        served.step_once(0.5)
    return served


def walked(name: str, wanted: TradesWanted, page: int) -> tuple[list[int], int]:
    """The wanted ids as often as they came, and how many requests it took.

    An answer that is none ends it.
    """
    trades = VENUES[name][1](page)
    walk, found, requests = Walk(trades, ENDPOINT, wanted), list[int](), 0
    while walk.url is not None:
        status, body = traded(name).rest(walk.url.removeprefix(ENDPOINT))
        requests += 1
        try:
            answer = trades.read(body, wanted.symbol)
        except VenueError:
            break
        assert status == 200
        found += answer.ids[wanted.of(answer)].tolist()
        walk.answered(answer)
    return found, requests


def some_wanted(name: str, data: st.DataObject) -> tuple[TradesWanted, list[int]]:
    """A range of the history, and the ids in it that are not known yet."""
    symbol = VENUES[name][0]
    ids = [trade.trade_id for trade in traded(name).truth.trades(symbol)][:-_NEWEST_ASIDE]
    first = data.draw(st.integers(0, len(ids) - 1))
    last = data.draw(st.integers(first, min(len(ids) - 1, first + 150)))
    known = data.draw(st.lists(st.sampled_from(ids), max_size=5, unique=True))
    wanted = TradesWanted(symbol=symbol, from_id=ids[first], to_id=ids[last], known=tuple(known))
    return wanted, [number for number in ids[first : last + 1] if number not in known]


def across(wanted: TradesWanted) -> range:
    """All ids from the first that is wanted to the last."""
    assert wanted.from_id is not None
    assert wanted.to_id is not None
    return range(wanted.from_id, wanted.to_id + 1)


@each_venue
@given(data=st.data())
@settings(max_examples=25, deadline=None)
async def test_every_wanted_trade_comes_exactly_once(name: str, data: st.DataObject) -> None:
    """In as many requests as there are pages, and one to see the end."""
    traded(name).set_faults(Faults())
    wanted, expected = some_wanted(name, data)
    page = data.draw(st.integers(1, 60))
    found, requests = walked(name, wanted, page)
    assert sorted(found) == expected
    assert requests <= len(across(wanted)) // page + 2


@each_venue
@given(data=st.data())
@settings(max_examples=25, deadline=None)
async def test_pages_that_overlap_or_are_cut_lose_nothing(name: str, data: st.DataObject) -> None:
    """After equal ids are taken out."""
    often = st.sampled_from([0.0, 0.5, 1.0])
    faults = PageFaults(
        overlap_probability=data.draw(often), short_probability=data.draw(st.sampled_from([0, 0.5]))
    )
    traded(name).set_faults(Faults(pages=faults))
    wanted, expected = some_wanted(name, data)
    found, requests = walked(name, wanted, data.draw(st.integers(5, 60)))
    assert sorted(set(found)) == expected
    assert requests <= len(across(wanted)) + 1


@each_venue
@given(data=st.data())
@settings(max_examples=25, deadline=None)
async def test_whatever_a_venue_answers_a_walk_ends_and_takes_nothing_wrong(
    name: str, data: st.DataObject
) -> None:
    often = st.sampled_from([0.0, 0.3, 1.0])
    names = [f"{each}_probability" for each in _MISHAPS]
    chosen: dict[str, Any] = {each: data.draw(often) for each in names}
    chosen["lag_secs"] = data.draw(st.sampled_from([0.0, 1.0, 100.0]))
    traded(name).set_faults(Faults(pages=PageFaults(**chosen)))
    wanted, expected = some_wanted(name, data)
    found, requests = walked(name, wanted, data.draw(st.integers(1, 60)))
    assert set(found) <= set(expected)
    assert requests <= len(across(wanted)) + 1
