"""Troubles in which a venue behaves oddly, though nothing is broken: see `faults`.

What it refuses, loses or dates wrongly must cost nothing else, and be told where it costs data.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from random import Random

from tests.sim.faults import Stage, misbehave
from tests.sim.poison import Undo
from tick_logger.simulator.faults import PageFaults
from tick_logger.storage.names import folder_of

MOST_VENUE_CLOCK_SECS = 90.0
"""By which the clocks of exchanges are ahead; they stand still for as long afterwards."""

MOST_LEAD_SECS = 4.0
"""Of REST ahead of the stream: several steps of a market, and fewer than a silence has."""

ODD_SECS = (40.0, 600.0, 32_400.0, -9 * 86_400.0, -3 * 365 * 86_400.0)
"""By which single times are off: more than is believed, either way."""


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


def busy_for_some(stage: Stage, size: float) -> Undo:
    """There were too many requests for some symbols."""
    return _for_all(stage, size, busy_symbols=_last_symbols(stage))


def empty_sides(stage: Stage, size: float) -> Undo:
    """Books without bids, without asks, or without any levels."""
    sides = frozenset({"asks", "bids"} if size < 0.2 else {"asks"} if size < 0.6 else {"bids"})
    return _for_all(stage, size, empty_book_symbols=_last_symbols(stage), empty_sides=sides)


def bad_trades(stage: Stage, size: float) -> Undo:
    """Trades that make no sense, among others."""
    return misbehave(stage, bad_trade_probability=0.02 + 0.3 * size)


def unknown_kinds(stage: Stage, size: float) -> Undo:
    """Messages of kinds that nobody knows."""
    return misbehave(stage, unknown_kind_probability=0.05 + 0.9 * size)


def old_answers(stage: Stage, size: float) -> Undo:
    """REST answers that are old when they come."""
    return misbehave(stage, rest_lag_secs=5.0 * size)


def early_answers(stage: Stage, size: float) -> Undo:
    """Books by REST that are ahead of what is sent, by some updates."""
    return _for_all(stage, size, rest_lead_secs=0.1 + MOST_LEAD_SECS * size**2)


def odd_times(stage: Stage, size: float) -> Undo:
    """Single times of an exchange are far from what they should be."""
    off_secs = ODD_SECS[int(size * len(ODD_SECS) * 0.999)]
    return misbehave(stage, odd_time_probability=0.05, odd_time_secs=off_secs)


def venue_clock(stage: Stage, size: float) -> Undo:
    """The exchanges' clocks are ahead."""
    return misbehave(stage, clock_offset_secs=MOST_VENUE_CLOCK_SECS * size)


PAGE_MISHAPS = (
    "refusal_probability", "web_page_probability", "truncated_probability", "empty_probability",
    "overlap_probability", "repeat_probability", "short_probability", "of_another_probability",
)  # fmt: skip


def odd_pages(stage: Stage, size: float) -> Undo:
    """Pages of trades by REST are refused, wrong, behind or incomplete, and everybody needs some.

    Half of the mishaps at a time, each for up to a half of the pages.
    """
    rng = Random(f"pages {size}")
    mishaps = {name: rng.uniform(0.0, 0.5) for name in PAGE_MISHAPS if rng.random() < 0.5}
    pages = PageFaults(
        **mishaps,  # type: ignore[arg-type]
        refusal_status=rng.choice((429, 503)),
        lag_secs=rng.choice((0.0, 6.0 * size)),
    )
    return _for_all(stage, size, pages=pages)


NO_PLACE = (errno.EACCES, errno.ENOTDIR, errno.EPERM, errno.ENAMETOOLONG)


def no_place(stage: Stage, size: float) -> Undo:
    """The disk works, but for everything of one symbol of each exchange."""
    number = NO_PLACE[int(size * len(NO_PLACE) * 0.999)]
    undos = [
        stage.disk.failing(number=number, path=f"{name}/{folder_of(each.truth.symbols()[-1])}/*")
        for name, each in stage.exchanges.items()
    ]

    def undo() -> None:
        for each in undos:
            each()

    return undo


BEGIN: dict[str, Callable[[Stage, float], Undo]] = {
    each.__name__: each
    for each in (
        feed_refused, busy, refused_and_closed, lost_acks, no_snapshots, bad_trades, unknown_kinds,
        busy_for_some, empty_sides, old_answers, early_answers, odd_times, venue_clock, no_place,
        odd_pages,
    )
}  # fmt: skip
