"""Troubles in which a venue behaves oddly, though nothing is broken: see `faults`.

What it refuses, loses or dates wrongly must cost nothing else, and be told where it costs data.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.sim.faults import Stage, Undo, misbehave

MOST_OFFSET_SECS = 8.0
"""Of a venue's clock: what is usual among venues, and more."""

ODD_TIMES_SECS = (600.0, 4 * 3600.0, 30 * 3600.0)
"""How far ahead single event times are; back, they are that, or years."""

YEARS_SECS = 3 * 365 * 86_400.0


def _last_symbols(stage: Stage) -> frozenset[str]:
    return frozenset(each.truth.symbols()[-1] for each in stage.exchanges.values())


def _for_all(stage: Stage, size: float, **faults: object) -> Undo:
    """Faults of answers to requests; in two of three cases everybody has to ask again at once."""
    undo = misbehave(stage, **faults)
    if size % 0.1 < 0.067:
        for exchange in stage.exchanges.values():
            exchange.cut_all(abrupt=size < 0.5)
    return undo


def feed_refused(stage: Stage, size: float) -> Undo:
    """One kind of data is not to be had, whatever the symbol."""
    feeds = ("trades", "ticker", "quotes", "orderbook")
    return _for_all(stage, size, refused_feeds=frozenset({feeds[int(size * len(feeds))]}))


def busy(stage: Stage, size: float) -> Undo:
    """Nobody gets a subscription, for there were too many requests."""
    return _for_all(stage, size, busy=True)


def refused_and_closed(stage: Stage, size: float) -> Undo:
    """Symbols that may not be subscribed to; whoever tries loses the connection."""
    return _for_all(stage, size, refused_symbols=_last_symbols(stage), refusals_close=True)


def lost_acks(stage: Stage, size: float) -> Undo:
    """Subscriptions that take effect, and nobody says so."""
    return _for_all(stage, size, lost_ack_probability=0.2 + 0.6 * size)


def no_snapshots(stage: Stage, size: float) -> Undo:
    """Books that begin with changes."""
    return _for_all(stage, size, no_snapshot_symbols=_last_symbols(stage))


def times_ahead(stage: Stage, size: float) -> Undo:
    """Single events of the future."""
    secs = ODD_TIMES_SECS[int(size * len(ODD_TIMES_SECS))]
    return misbehave(stage, odd_time_probability=0.02 + 0.1 * size, odd_time_secs=secs)


def times_past(stage: Stage, size: float) -> Undo:
    """Single events of long ago."""
    secs = (*ODD_TIMES_SECS, YEARS_SECS)[int(size * 4)]
    return misbehave(stage, odd_time_probability=0.02 + 0.1 * size, odd_time_secs=-secs)


def clock_off(stage: Stage, size: float) -> Undo:
    """The clocks of exchanges are some seconds off."""
    return misbehave(stage, clock_offset_secs=MOST_OFFSET_SECS * (2 * size - 1))


def bad_trades(stage: Stage, size: float) -> Undo:
    """Trades that make no sense, among others."""
    return misbehave(stage, bad_trade_probability=0.02 + 0.3 * size)


def unknown_kinds(stage: Stage, size: float) -> Undo:
    """Messages of kinds that nobody knows."""
    return misbehave(stage, unknown_kind_probability=0.05 + 0.9 * size)


def odd_listings(stage: Stage, _size: float) -> Undo:
    """Listings with entries that make no sense."""
    return misbehave(stage, odd_listing=True)


def old_answers(stage: Stage, size: float) -> Undo:
    """REST answers that are old when they come."""
    return misbehave(stage, rest_lag_secs=5.0 * size)


BEGIN: dict[str, Callable[[Stage, float], Undo]] = {
    each.__name__: each
    for each in (
        feed_refused, busy, refused_and_closed, lost_acks, no_snapshots, times_ahead, times_past,
        clock_off, bad_trades, unknown_kinds, odd_listings, old_answers,
    )
}  # fmt: skip
