"""The market model: sane books, dense ids, ordered times, and the same again for the same seed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from tick_logger.simulator.listing import Listing, Quote, Trade
from tick_logger.simulator.market import Market, MessageCost
from tick_logger.simulator.symbols import spec_of

START_NS = 1_790_000_000 * 10**9
STEP_SECS = 0.01


def market(seed: int = 1) -> Market:
    """Three symbols, one with few ticks in its price."""
    specs = [spec_of(f"{base}USDT", base, "USDT") for base in ("BTC", "ETH", "SHIB")]
    return Market(specs, MessageCost(trade=1, quote=1), seed=seed, levels=20, now_ns=START_NS)


def run(subject: Market, steps: int, rate: float = 1000.0) -> list[Trade | Quote]:
    """All events of some steps."""
    events: list[Trade | Quote] = []
    for step in range(1, steps + 1):
        now_ns = START_NS + round(step * STEP_SECS * 1e9)
        events += subject.step(now_ns, STEP_SECS, rate)
    return events


def facts(events: list[Trade | Quote]) -> Iterator[tuple[object, ...]]:
    """Events as comparable values, without the objects that they belong to."""
    for event in events:
        if isinstance(event, Trade):
            yield (event.listing.spec.symbol, *event[1:-1], *event.quote[1:])
        else:
            yield (event.listing.spec.symbol, *event[1:])


def test_equal_seeds_give_equal_markets() -> None:
    """Every event of two markets is the same, field by field."""
    assert list(facts(run(market(), 100))) == list(facts(run(market(), 100)))


def test_other_seeds_give_other_markets() -> None:
    """The seed matters."""
    assert list(facts(run(market(1), 20))) != list(facts(run(market(2), 20)))


def test_trade_ids_are_dense() -> None:
    """Per symbol, every trade's id is the one before plus one, from the old trade on."""
    subject = market()
    newest = {symbol: each.trade_id for symbol, each in subject.listings.items()}
    trades = [event for event in run(subject, 300) if isinstance(event, Trade)]
    assert len(trades) > 500
    for trade in trades:
        symbol = trade.listing.spec.symbol
        assert trade.trade_id == newest[symbol] + 1
        newest[symbol] = trade.trade_id


def test_times_are_whole_microseconds_within_their_step_in_order() -> None:
    """No event comes from the future, from before its step, or before an earlier event."""
    subject = market()
    for step in range(1, 100):
        now_ns = START_NS + step * 10_000_000 + 777
        times = [event.time_ns for event in subject.step(now_ns, STEP_SECS, 2000.0)]
        assert times == sorted(times)
        assert all(time_ns % 1000 == 0 for time_ns in times)
        assert all(now_ns - 11_000_000 <= time_ns <= now_ns for time_ns in times)


def test_one_order_can_make_several_trades_at_one_time() -> None:
    """A sweep has one taker order, one time, and prices that get worse."""
    trades = [event for event in run(market(), 300) if isinstance(event, Trade)]
    pairs = itertools.pairwise(trades)
    sweeps = [(one, two) for one, two in pairs if one.taker_order == two.taker_order]
    assert sweeps
    for one, two in sweeps:
        assert one.time_ns == two.time_ns
        assert two.ticks > one.ticks if one.taker_buys else two.ticks < one.ticks


def test_a_clock_that_steps_back_does_not_take_the_events_along() -> None:
    """An exchange's times never decrease."""
    subject = market()
    before = subject.step(START_NS + 10**9, STEP_SECS, 1000.0)
    after = subject.step(START_NS - 10**12, STEP_SECS, 1000.0)
    assert after
    assert min(event.time_ns for event in after) >= max(event.time_ns for event in before)


def sane(listing: Listing) -> bool:
    """Not crossed, not empty, not growing, best levels right, nothing zero."""
    bids, asks = listing.book.side(True), listing.book.side(False)
    return (
        listing.book.best_bid == max(bids)
        and listing.book.best_ask == min(asks)
        and max(bids) < min(asks)
        and min(bids) > 0
        and all(lots > 0 for lots in (*bids.values(), *asks.values()))
        and 10 <= len(bids) <= 20
        and 10 <= len(asks) <= 20
    )


def test_books_stay_sane() -> None:
    """After every one of many steps."""
    subject = market()
    for step in range(1, 1000):
        subject.step(START_NS + step * 10_000_000, STEP_SECS, 1000.0)
        assert all(sane(listing) for listing in subject.listings.values())


def test_prices_do_not_run_away() -> None:
    """After forty thousand messages every price is within a tenth of where it began."""
    subject = market()
    run(subject, 200, rate=20_000.0)
    for listing in subject.listings.values():
        start = listing.spec.start_ticks
        assert 0.9 * start < listing.book.best_bid < 1.1 * start


def test_changes_added_up_are_the_book() -> None:
    """Whoever applies all changes to a copy has the book, and update ids chain without a hole."""
    subject = market()
    listing = subject.listings["BTCUSDT"]
    listing.book.fetch_changes()
    copies = {side: dict(listing.book.side(side)) for side in (True, False)}
    last_id = listing.book.update_id
    for step in range(1, 200):
        subject.step(START_NS + step * 10_000_000, STEP_SECS, 1000.0)
        changes = listing.book.fetch_changes()
        assert changes.first_id == last_id + 1
        last_id = changes.last_id
        for side, levels in ((True, changes.bids), (False, changes.asks)):
            copies[side].update(levels)
            copies[side] = {ticks: lots for ticks, lots in copies[side].items() if lots}
    assert last_id == listing.book.update_id
    assert copies == {side: dict(listing.book.side(side)) for side in (True, False)}


def test_a_trade_carries_the_best_prices_it_left() -> None:
    """The last trade of an order has the very quote that is told after the order."""
    pairs = [
        (trade, quote)
        for trade, quote in itertools.pairwise(run(market(), 200))
        if isinstance(trade, Trade) and isinstance(quote, Quote)
    ]
    assert len(pairs) > 100
    assert all(trade.quote == quote for trade, quote in pairs)


@pytest.mark.parametrize("rate", [50.0, 1000.0, 5000.0])
def test_events_cost_as_much_as_the_rate_allows(rate: float) -> None:
    """Trades and quotes together stay below the rate, the rest being batches and steady ones."""
    events = run(market(), 500, rate)
    assert 0.5 * rate * 5 < len(events) <= rate * 5


def test_a_delisted_symbol_does_not_trade_until_listed_again() -> None:
    """Its ids go on where they stood."""
    subject = market()
    newest = subject.listings["BTCUSDT"].trade_id
    subject.delist("BTCUSDT")
    assert not any(event.listing.spec.symbol == "BTCUSDT" for event in run(subject, 50))
    subject.add(subject.listings["BTCUSDT"].spec)
    later = subject.step(START_NS + 10**10, 1.0, 1000.0)
    ids = [e.trade_id for e in later if isinstance(e, Trade) and e.listing.spec.base == "BTC"]
    assert ids[0] == newest + 1
