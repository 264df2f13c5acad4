"""What messages of Upbit say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.sim.said.facts import EMPTY, MILLISECOND_NS, Known, Said, trades, whole

TAKERS = {"BID": 1, "ASK": 0}


def upbit(message: Any) -> Said:  # noqa: ANN401 - any JSON
    """A message in the default format; each one of a book is a whole book, and a quote."""
    kind = message["type"]
    symbol, stamp = message["code"], whole(message["timestamp"])
    match kind:
        case "trade":
            when = whole(message["trade_timestamp"]) * MILLISECOND_NS
            yield trades(message["trade_price"]), symbol, whole(message["sequential_id"]), when
        case "ticker":
            price, size = float(message["trade_price"]), float(message["trade_volume"])
            side = TAKERS[message["ask_bid"]]
            yield "MD", symbol, stamp * MILLISECOND_NS, price, size, side, None, None
        case "orderbook":
            units = message["orderbook_units"]
            for number, name in ((1, "bid"), (0, "ask")):
                if not any(unit[f"{name}_price"] for unit in units):
                    yield "BOOK", symbol, stamp, number, *EMPTY
                for unit in units:
                    if unit[f"{name}_price"]:
                        sent = float(unit[f"{name}_price"]), float(unit[f"{name}_size"])
                        yield "BOOK", symbol, stamp, number, *sent
            best = [_best(units[0], f"{n}_price", f"{n}_{what}") for n, what in _SIDES]
            if best != [None] * 4:
                yield "QUOTES", symbol, stamp, *best


_SIDES = [(name, what) for name in ("bid", "ask") for what in ("price", "size")]


def _best(unit: Mapping[str, Any], price: str, field: str) -> float | None:
    """A number of the best level; None where there is none, which has the price 0."""
    return float(unit[field]) if unit[price] else None


KNOWN = {"upbit": Known(upbit, depth=30, whole_books=True)}
