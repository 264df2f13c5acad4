"""What messages of Coinbase Advanced Trade say."""

from __future__ import annotations

from typing import Any

from tests.sim.said.facts import EMPTY, UNKNOWN_SIDE, Known, Said, digits, number, time_ns, trades

BOOK_SIDES = {"bid": 1, "offer": 0}


def coinbase_advanced(message: Any) -> Said:  # noqa: ANN401 - any JSON
    """A message of any channel; tickers have the time of their envelope."""
    for event in message["events"]:
        match message["channel"]:
            case "market_trades":
                for trade in event["trades"]:
                    made = digits(trade["trade_id"]), time_ns(trade["time"])
                    yield trades(trade["price"]), trade["product_id"], *made
            case "ticker":
                for each in event["tickers"]:
                    yield from _ticker(each, time_ns(message["timestamp"]))
            case "l2_data":
                sides = {BOOK_SIDES[level["side"]] for level in event["updates"]}
                for side in {0, 1} - sides if event["type"] == "snapshot" else ():
                    yield "BOOK", event["product_id"], 0, side, *EMPTY
                for level in event["updates"]:
                    side = BOOK_SIDES[level["side"]]
                    price, size = float(level["price_level"]), float(level["new_quantity"])
                    yield "BOOK", event["product_id"], 0, side, price, size


def _ticker(ticker: Any, when: int) -> Said:  # noqa: ANN401 - any JSON
    symbol, price = ticker["product_id"], float(ticker["price"])
    bid, ask, bid_size, ask_size = (
        number(ticker.get(name))
        for name in ("best_bid", "best_ask", "best_bid_quantity", "best_ask_quantity")
    )
    yield "MD", symbol, when, price, None, UNKNOWN_SIDE, bid, ask
    yield "QUOTES", symbol, 0, bid, bid_size, ask, ask_size


KNOWN = {"coinbase_advanced": Known(coinbase_advanced)}
