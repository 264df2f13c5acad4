"""Asking adapters for trades: sample pages, what a page says, and a walk over answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
import pytest

from tests.recordings import RECORDINGS
from tick_logger.exchanges.base import Exchange, VenueError
from tick_logger.exchanges.decoding import Recordable, decode
from tick_logger.exchanges.trades_by_rest import TradesByRest, TradesPage, TradesWanted, wrap
from tick_logger.exchanges.walk import Walk
from tick_logger.model.routes import REST, Routes
from tick_logger.model.tables import Table
from tick_logger.model.wanted import WantedTables

ENDPOINT = "https://venue"

Said: TypeAlias = tuple[int, int, float, float, int]
"""Id, time in ns, price, size and side."""

_PAGES = RECORDINGS / "rest_pages"


needs_pages = pytest.mark.skipif(
    not _PAGES.is_dir(),
    reason=f"no sample pages at {_PAGES}; TICK_LOGGER_RECORDINGS names the folder above",
)


def sample_pages(name: str) -> Iterator[tuple[str, bytes]]:
    """Target and body of each answer, the body as it is spelled in the file."""
    for line in (_PAGES / name).read_bytes().splitlines():
        _, _, rest = line.partition(b'"response":')
        yield json.loads(line)["request"].removeprefix("GET "), rest.rstrip()[:-1]


def said(page: TradesPage) -> list[Said]:
    """The trades of a page, in its order."""
    columns = (page.ids, page.event_ns, page.prices, page.sizes, page.sides)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def no_answer(trades: TradesByRest, body: bytes, symbol: str) -> str:
    """Why a body is no answer."""
    with pytest.raises(VenueError) as raised:
        trades.read(body, symbol)
    return str(raised.value)


def recorded(exchange: Exchange, wanted: TradesWanted, body: bytes) -> Recordable:
    """What is recorded of an answer, decoded as the service does it."""
    routes: Routes = np.array([REST], np.uint8)
    tables = WantedTables()
    tables.set(7, [Table.TRADES])
    payloads = [wrap(wanted, body)]
    return decode(exchange, payloads, np.array([1]), {wanted.symbol: 7}, tables, routes)


def taken(exchange: Exchange, wanted: TradesWanted, body: bytes) -> list[int]:
    """The ids of the rows that are taken from an answer, which is understood."""
    what = recorded(exchange, wanted, body)
    assert what.decoded.bad == ()
    assert all(rows.route == REST and rows.table is Table.TRADES for rows in what.rows)
    assert all((rows["instrument"] == 7).all() for rows in what.rows)
    return [number for rows in what.rows for number in rows["seq"].tolist()]


def walked(
    trades: TradesByRest, wanted: TradesWanted, answer: Callable[[str], bytes]
) -> tuple[list[int], list[str]]:
    """The ids that were wanted and found, as often as they were; and the addresses asked for."""
    walk, found, asked = Walk(trades, ENDPOINT, wanted), list[int](), list[str]()
    while walk.url is not None:
        asked.append(walk.url)
        page = trades.read(answer(walk.url), wanted.symbol)
        found += page.ids[wanted.of(page)].tolist()
        walk.answered(page)
    assert len(asked) == len(set(asked))
    return found, asked
