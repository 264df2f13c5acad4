"""What messages of OKX say."""

from __future__ import annotations

from typing import Any

from tests.sim.said.facts import (
    EMPTY,
    MILLISECOND_NS,
    UNKNOWN_SIDE,
    Known,
    Said,
    digits,
    number,
    trades,
    whole,
)


def okx(message: Any) -> Said:  # noqa: ANN401 - any JSON
    """A message of one of the channels that are asked for."""
    channel, symbol = message["arg"]["channel"], message["arg"]["instId"]
    for entry in message["data"]:
        match channel:
            case "trades-all":
                made = digits(entry["tradeId"]), digits(entry["ts"]) * MILLISECOND_NS
                yield trades(entry["px"]), entry["instId"], *made
            case "tickers":
                price, size, bid, ask = (
                    number(entry[name]) for name in ("last", "lastSz", "bidPx", "askPx")
                )
                when = digits(entry["ts"]) * MILLISECOND_NS
                yield "MD", symbol, when, price, size, UNKNOWN_SIDE, bid, ask
            case "bbo-tbt":
                bid, ask = (entry[side][0][:2] for side in ("bids", "asks"))
                yield "QUOTES", symbol, whole(entry["seqId"]), *map(float, (*bid, *ask))
            case "books":
                for side, levels in ((1, entry["bids"]), (0, entry["asks"])):
                    if not levels and message["action"] == "snapshot":
                        yield "BOOK", symbol, whole(entry["seqId"]), side, *EMPTY
                    for level in levels:
                        sent = float(level[0]), float(level[1])
                        yield "BOOK", symbol, whole(entry["seqId"]), side, *sent


KNOWN = {"okx": Known(okx, depth=400)}
