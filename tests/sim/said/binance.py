"""What messages of Binance say."""

from __future__ import annotations

from typing import Any

from tests.sim.said.facts import UNKNOWN_SIDE, Known, Said, trades, whole


def binance(message: Any) -> Said:  # noqa: ANN401 - any JSON
    """A combined stream's message, in microseconds."""
    data, kind = message["data"], message["stream"].partition("@")[2].partition("@")[0]
    symbol = data["s"]
    match kind:
        case "trade":
            yield trades(data["p"]), symbol, whole(data["t"]), whole(data["T"]) * 1000
        case "bookTicker":
            yield "QUOTES", symbol, whole(data["u"]), *map(float, map(data.get, "bBaA"))
        case "ticker":
            yield (
                "MD", symbol, whole(data["E"]) * 1000, float(data["c"]), float(data["Q"]),
                UNKNOWN_SIDE, float(data["b"]), float(data["a"]),
            )  # fmt: skip
        case "depth":
            for side, levels in ((1, data["b"]), (0, data["a"])):
                for price, size in levels:
                    yield "BOOK", symbol, whole(data["u"]), side, float(price), float(size)


KNOWN = {"binance": Known(binance)}
