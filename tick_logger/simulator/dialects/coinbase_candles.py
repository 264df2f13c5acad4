"""Minute candles as the Coinbase Exchange is asked for them and writes them, the newest first."""

from __future__ import annotations

import re
from collections.abc import Container
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import msgspec

from tick_logger.simulator.candles import GiveCandles
from tick_logger.simulator.dialects import coinbase_pages as pages
from tick_logger.simulator.trade_pages import GivePage

PATH = "/products/(?P<product>[^/]+)/candles"
_MOST = 300
"""Candles that may be asked for at a time."""


def past(
    target: str, listed: Container[str], page: GivePage, give: GiveCandles
) -> tuple[int, bytes] | None:
    """Status and body of a request for a page of trades, or for candles."""
    return pages.answer(target, listed, page) or answer(target, listed, give)


def answer(target: str, listed: Container[str], give: GiveCandles) -> tuple[int, bytes] | None:
    """Status and body of GET /products/{id}/candles?granularity=60&start=&end=.

    None if something else is asked for; `listed` are the products that there are.
    """
    asked = re.fullmatch(PATH, urlsplit(target).path)
    if asked is None or asked["product"] not in listed:
        return None
    query = {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
    if query.get("granularity") != "60":
        return 400, b'{"message":"Unsupported granularity"}'
    try:
        first, last = (_minute(query.get(name, "")) for name in ("start", "end"))
    except ValueError:
        return 400, b'{"message":"Invalid start or end"}'
    if last - first >= _MOST:
        return 400, b'{"message":"granularity too small for the requested time range"}'
    rows = [
        [each.minute * 60, *map(_number, (each.low, each.high, each.open, each.close, each.volume))]
        for each in reversed(give(asked["product"], first, last))
    ]
    return 200, msgspec.json.encode(rows)


def _minute(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) // 60


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())
