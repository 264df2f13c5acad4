"""From payloads to what is recorded of them: the one way, taken live and in every replay.

Invariant: the same payloads, symbols and wanted tables give the same rows, the same undecodable
payloads, and the same marks of what is lost with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from tick_logger.exchanges.base import Decoded, Exchange, Lost
from tick_logger.exchanges.lines import by_route, decode_routes
from tick_logger.model.cause import Cause
from tick_logger.model.entries import KeptAside
from tick_logger.model.marks import Lapse, Mark, MissingIds
from tick_logger.model.proof import Ids
from tick_logger.model.routes import Routes
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import Table
from tick_logger.model.times import Times
from tick_logger.model.wanted import WantedTables

MAX_KEPT_ASIDE_PER_BATCH = 20
"""Undecodable payloads passed on for inspection; the others are only counted.  Of payloads of
unknown kinds as many, one of each kind."""

MOST_IDS_TOLD = 20
"""Trades of one stream and batch of which each is told by its id.  More are told by their times: a
venue may change what all of its messages look like."""


@attrs.frozen(eq=False)
class Recordable:
    """The rows and undecodable payloads to record of a decode call, and all that it returned.

    `losses` are marks of the wanted rows in payloads that were not understood.
    """

    rows: tuple[RowBatch, ...]
    aside: tuple[KeptAside, ...]
    losses: tuple[Mark, ...]
    decoded: Decoded


def decode(
    exchange: Exchange,
    payloads: Sequence[bytes],
    recv_ns: Times,
    symbols: Mapping[str, int],
    wanted: WantedTables,
    routes: Routes | None = None,
) -> Recordable:
    """Decode payloads with one receive time each (shape `(len(payloads),)`, int64 ns).

    `routes` (same shape) are those on which they came; None: all on the first line.
    """
    decoded = decode_routes(exchange, payloads, symbols, routes)
    parts = (each for part in decoded.rows for each in by_route(part, recv_ns, routes))
    rows = tuple(map(wanted.only, parts))
    aside = (
        *(
            KeptAside.of(exchange.name, int(recv_ns[bad.frame]), bad.reason, payloads[bad.frame])
            for bad in decoded.bad[:MAX_KEPT_ASIDE_PER_BATCH]
        ),
        *_first_of_kinds(exchange, decoded, payloads, recv_ns),
    )
    losses = tuple(_losses(exchange, decoded.lost, recv_ns, wanted)) if decoded.lost else ()
    return Recordable(rows, aside, losses, decoded)


def _first_of_kinds(
    exchange: Exchange, decoded: Decoded, payloads: Sequence[bytes], recv_ns: Times
) -> Iterator[KeptAside]:
    first = {each.kind: each.frame for each in reversed(decoded.unknown)}
    kinds = sorted(first, key=first.__getitem__)
    for kind in kinds[:MAX_KEPT_ASIDE_PER_BATCH]:
        at_ns, payload = int(recv_ns[first[kind]]), payloads[first[kind]]
        yield KeptAside.of(exchange.name, at_ns, f"unknown kind {kind!r}", payload, kind)


def _losses(
    exchange: Exchange, lost: Sequence[Lost], recv_ns: Times, wanted: WantedTables
) -> Iterator[Mark]:
    """What is missing of each stream: by ids where only ids can tell it, or else by times."""
    of_stream: dict[tuple[int, Table], list[Lost]] = {}
    for each in lost:
        if each.table in wanted.tables(each.instrument):
            of_stream.setdefault((each.instrument, each.table), []).append(each)
    for (instrument, table), those in of_stream.items():
        ids = [each.trade_id for each in those if each.trade_id is not None]
        dense = exchange.trade_ids is Ids.DENSE  # then a hole in them is found anyway
        if len(those) == len(ids) <= MOST_IDS_TOLD and not dense:
            for each, trade_id in zip(those, ids, strict=True):
                at_ns = int(recv_ns[each.frame])
                yield MissingIds(
                    instrument, table, trade_id, trade_id, at_ns, at_ns, Cause.UNDECODABLE
                )
            continue
        for at_ns in dict.fromkeys(int(recv_ns[each.frame]) for each in those):
            yield Lapse((instrument,), (table,), at_ns, at_ns, Cause.UNDECODABLE, ids_tell=True)
