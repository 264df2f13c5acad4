"""Payloads of several routes: what came by REST is decoded apart, and rows are told apart.

Invariant: every payload is decoded once, by whoever understands it, and keeps its number.  Not
here: which route a payload came (`model.routes`), and what follows from it (`pipeline`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter, itemgetter

import attrs
import msgspec
import numpy as np

from tick_logger.exchanges.base import (
    BadFrame,
    Decoded,
    DecodedRows,
    Exchange,
    VenueError,
)
from tick_logger.exchanges.candles_by_rest import has_candles
from tick_logger.exchanges.columns import Findings, merged
from tick_logger.exchanges.trades_by_rest import unwrap
from tick_logger.model.routes import REST, Routes
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.model.times import Times


def decode_routes(
    exchange: Exchange, payloads: Sequence[bytes], symbols: Mapping[str, int], routes: Routes | None
) -> Decoded:
    """What the payloads say; `routes` has one for each, None: all came on first lines."""
    if routes is None:
        return exchange.decode(payloads, symbols)
    assert len(routes) == len(payloads), "a route for each payload"
    by_rest = np.flatnonzero(routes == REST).tolist()
    if not by_rest:
        return exchange.decode(payloads, symbols)
    streamed = np.flatnonzero(routes != REST).tolist()
    said = exchange.decode([payloads[frame] for frame in streamed], symbols)
    answered = _pages(exchange, [payloads[frame] for frame in by_rest], symbols)
    return _together(said.moved(streamed), answered.moved(by_rest))


def by_route(part: DecodedRows, recv_ns: Times, routes: Routes | None) -> Iterator[RowBatch]:
    """The rows of a table as one batch for each route on which they came, the first line first."""
    rows = part.received(recv_ns)
    if routes is None:
        yield rows
        return
    of_rows = routes[part.frame]
    for route in np.unique(of_rows).tolist():
        yield attrs.evolve(rows.take(of_rows == route), route=route)


def _pages(exchange: Exchange, payloads: Sequence[bytes], symbols: Mapping[str, int]) -> Decoded:
    """The wanted trades in answers to the back-filler; of candles nothing is recorded."""
    asked, found = exchange.trades_by_rest, Findings(symbols, payloads)
    for frame, payload in enumerate(payloads):
        if has_candles(payload):
            continue
        try:
            wanted, answer = unwrap(payload)
            if asked is None:
                raise VenueError("this exchange is not asked for trades")
            page = asked.read(answer, wanted.symbol)
        except (msgspec.MsgspecError, VenueError) as error:
            found.reject(frame, f"back-fill: {error}")
            continue
        instrument = symbols.get(wanted.symbol)
        if instrument is None:
            found.reject(frame, f"unknown symbol {wanted.symbol!r}")
            continue
        taken = np.flatnonzero(wanted.of(page))
        taken = taken[np.lexsort((page.ids[taken], page.event_ns[taken]))]
        columns = asked.columns(page.take(taken), instrument)
        found.rows(Table.TRADES, np.full(len(taken), frame, np.int32), columns)
    return found.done()


def _together(said: Decoded, answered: Decoded) -> Decoded:
    """Both, in the order of the payloads; answers say nothing but rows, or are bad."""
    of_table: dict[Table, list[DecodedRows]] = {}
    for part in (*said.rows, *answered.rows):
        of_table.setdefault(part.table, []).append(part)
    bad: list[BadFrame] = sorted((*said.bad, *answered.bad), key=attrgetter("frame"))
    return attrs.evolve(
        said,
        rows=tuple(merged(table, parts) for table, parts in of_table.items()),
        events=tuple(sorted(said.events, key=itemgetter(0))),
        bad=tuple(bad),
    )
