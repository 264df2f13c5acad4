"""What messages of Coinbase Exchange say."""

from __future__ import annotations

from typing import Any

from tests.sim.said.facts import EMPTY, SIDES, Known, Said, time_ns, trades, whole


def coinbase(message: Any) -> Said:  # noqa: ANN401 - any JSON
    """A message of any channel."""
    symbol = message["product_id"]
    match message["type"]:
        case "match" | "last_match":
            made = whole(message["trade_id"]), time_ns(message["time"])
            yield trades(message["price"]), symbol, *made
        case "ticker":
            price, size, bid, ask, bid_size, ask_size = (
                float(message[name])
                for name in (
                    "price", "last_size", "best_bid", "best_ask", "best_bid_size", "best_ask_size",
                )
            )  # fmt: skip
            when, side = time_ns(message["time"]), SIDES[message["side"]]
            yield "MD", symbol, when, price, size, side, bid, ask
            yield "QUOTES", symbol, whole(message["sequence"]), bid, bid_size, ask, ask_size
        case "l2update":
            for side, price, size in message["changes"]:
                yield "BOOK", symbol, 0, SIDES[side], float(price), float(size)
        case "snapshot":
            for side, levels in ((1, message["bids"]), (0, message["asks"])):
                if not levels:
                    yield "BOOK", symbol, 0, side, *EMPTY
                for price, size in levels:
                    yield "BOOK", symbol, 0, side, float(price), float(size)


KNOWN = {"coinbase": Known(coinbase)}
