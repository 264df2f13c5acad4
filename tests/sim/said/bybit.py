"""What messages of Bybit say, spot and linear."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import chain
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

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RECORDED_DIGITS = 15
"""Of the hexadecimal digits of a UUID."""


def _of_uuid(value: str) -> int:
    if not UUID.fullmatch(value):
        raise ValueError(f"{value!r} is no UUID")
    return int(value.replace("-", "")[:RECORDED_DIGITS], 16)


def _bybit(id_of: Callable[[Any], int], message: Any) -> Said:  # noqa: ANN401 - any JSON
    head, _, rest = message["topic"].partition(".")
    data, when = message["data"], whole(message["ts"]) * MILLISECOND_NS
    match head:
        case "publicTrade":
            for trade in data:
                when = whole(trade["T"]) * MILLISECOND_NS
                yield trades(trade["p"]), trade["s"], id_of(trade["i"]), when
        case "tickers":
            price, bid, ask = (
                number(data.get(name)) for name in ("lastPrice", "bid1Price", "ask1Price")
            )
            if (price, bid, ask) != (None, None, None):
                yield "MD", data["symbol"], when, price, None, UNKNOWN_SIDE, bid, ask
        case "orderbook" if rest.startswith("1."):
            best = (
                next((level for level in data[side] if float(level[1])), (None, None))
                for side in "ba"
            )
            yield "QUOTES", data["s"], whole(data["u"]), *map(number, chain.from_iterable(best))
        case "orderbook":
            for side, levels in ((1, data["b"]), (0, data["a"])):
                if not levels and message["type"] == "snapshot":
                    yield "BOOK", data["s"], whole(data["u"]), side, *EMPTY
                for price, size in levels:
                    yield "BOOK", data["s"], whole(data["u"]), side, float(price), float(size)


KNOWN = {
    "bybit": Known(partial(_bybit, digits), depth=200),
    "bybit_linear": Known(partial(_bybit, _of_uuid), depth=200),
}
