"""What messages of Kraken say."""

from __future__ import annotations

from typing import Any

from tests.sim.said.facts import EMPTY, UNKNOWN_SIDE, Known, Said, time_ns, trades, whole


def kraken(message: Any) -> Said:  # noqa: ANN401 - any JSON
    """A message of any channel; a ticker is a quote too."""
    channel = message["channel"]
    for entry in message["data"] if channel in ("trade", "ticker", "book") else ():
        symbol = entry["symbol"]
        match channel:
            case "trade":
                made = whole(entry["trade_id"]), time_ns(entry["timestamp"])
                yield trades(entry["price"]), symbol, *made
            case "ticker":
                bid, bid_size, ask, ask_size = (
                    float(entry[name]) for name in ("bid", "bid_qty", "ask", "ask_qty")
                )
                when, last = time_ns(entry["timestamp"]), float(entry["last"])
                yield "MD", symbol, when, last, None, UNKNOWN_SIDE, bid, ask
                yield "QUOTES", symbol, 0, bid, bid_size, ask, ask_size
            case "book":
                for side, levels in ((1, entry["bids"]), (0, entry["asks"])):
                    if not levels and message["type"] == "snapshot":
                        yield "BOOK", symbol, 0, side, *EMPTY
                    for level in levels:
                        yield "BOOK", symbol, 0, side, float(level["price"]), float(level["qty"])


KNOWN = {"kraken": Known(kraken, depth=100, most_connects=(120, 600.0))}
