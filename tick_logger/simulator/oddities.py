"""What makes no sense in messages that are otherwise as they should be.

Not here: whole messages that are garbage (`faults`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from tick_logger.simulator.faults import Faults
from tick_logger.simulator.listing import Quote, Trade

UNFIT_NAMES = (
    "X" * 300,
    "/" * 100,
    "\x1b[2J" * 50,
    "\u5e01" * 90,
    "instruments.01.01.70.json",
    "UNDECODABLE.31.12.69.JSONL",
    "certificate.01.02.24.7.json.new",
)
"""Of symbols whose folder no disk takes, or that a recorder may want for something else."""


def with_odd_entries(body: bytes, place: Sequence[str], name: str) -> bytes:
    """A listing with odd entries before, between and after the others; any other body as it is.

    One has null for everything, one no name, one no fields at all, and one is no object; others are
    as they should be, but for names that no folder can have.  `place` leads to the entries, and
    `name` is the field that has the name of each.
    """
    document = json.loads(body)
    entries: Any = document
    for step in place:
        entries = entries.get(step) if isinstance(entries, dict) else None
    if isinstance(entries, dict) and entries and all(map(_is_object, entries.values())):
        first = next(iter(entries.values()))
        odd = {f"ODD{n}": each for n, each in enumerate(_odd(first, name))}
        before, after = dict(list(odd.items())[:2]), dict(list(odd.items())[2:])
        sound = dict(entries)
        entries.clear()
        entries.update(before | sound | after)
    elif isinstance(entries, list) and entries and _is_object(entries[0]):
        null, nameless, *others = _odd(entries[0], name)
        entries[:] = [null, entries[0], nameless, *entries[1:], *others]
    else:
        return body
    return json.dumps(document).encode()


def _is_object(entry: object) -> bool:
    return isinstance(entry, dict)


def _odd(entry: Mapping[str, Any], name: str) -> list[Any]:
    named = [{**entry, name: each} for each in UNFIT_NAMES]
    return [dict.fromkeys(entry), {**entry, name: ""}, {}, "soon", *named]


def with_odd_prices(event: Trade | Quote, faults: Faults, rng: Random) -> Trade | Quote:
    """A trade or quote as it was, or as `odd_price_probability`, `quote_factor` and
    `crossed_quote_probability` have it.

    So is a quote that is told with a trade.
    """
    if isinstance(event, Trade):
        if rng.random() < faults.odd_price_probability:
            event = event._replace(ticks=10 * event.ticks)
        return event._replace(quote=_odd_quote(event.quote, faults, rng))
    return _odd_quote(event, faults, rng)


def _odd_quote(quote: Quote, faults: Faults, rng: Random) -> Quote:
    factor = faults.quote_factor
    if factor != 1.0:
        bid, ask = round(quote.bid_ticks * factor), round(quote.ask_ticks * factor)
        quote = quote._replace(bid_ticks=bid, ask_ticks=ask)
    if rng.random() >= faults.crossed_quote_probability:
        return quote
    return quote._replace(bid_ticks=quote.ask_ticks, ask_ticks=quote.bid_ticks)


def with_bad_trade(payload: bytes, trades_at: Sequence[str], price: str) -> bytes | None:
    """A message whose last trade has no price; None if it has no trades.

    `trades_at` leads to them: a list of trades, or a single one.
    """
    document: Any = json.loads(payload)
    trades = document
    for step in trades_at:
        if isinstance(trades, list):
            trades = trades[-1] if trades else None
        trades = trades.get(step) if isinstance(trades, dict) else None
    if isinstance(trades, list):
        trades = trades[-1] if trades else None
    if not isinstance(trades, dict) or price not in trades:
        return None
    trades[price] = None
    return json.dumps(document, separators=(",", ":")).encode()
