"""From payloads to the rows that are recorded: the one way, taken live and in every replay.

Invariant: the same payloads, symbols and wanted tables give the same rows and the same undecodable
payloads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from tick_logger.exchanges.base import Decoded, Exchange
from tick_logger.model.entries import KeptAside
from tick_logger.model.rows import RowBatch
from tick_logger.model.times import Times
from tick_logger.model.wanted import WantedTables

MAX_KEPT_ASIDE_PER_BATCH = 20
"""Undecodable payloads passed on for inspection; the others are only counted."""


@attrs.frozen(eq=False)
class Recordable:
    """The rows and undecodable payloads to record of a decode call, and all that it returned."""

    rows: tuple[RowBatch, ...]
    aside: tuple[KeptAside, ...]
    decoded: Decoded


def decode(
    exchange: Exchange,
    payloads: Sequence[bytes],
    recv_ns: Times,
    symbols: Mapping[str, int],
    wanted: WantedTables,
) -> Recordable:
    """Decode payloads with one receive time each (shape `(len(payloads),)`, int64 ns)."""
    decoded = exchange.decode(payloads, symbols)
    rows = tuple(wanted.only(part.received(recv_ns)) for part in decoded.rows)
    aside = tuple(
        KeptAside(exchange.name, int(recv_ns[bad.frame]), bad.reason, payloads[bad.frame])
        for bad in decoded.bad[:MAX_KEPT_ASIDE_PER_BATCH]
    )
    return Recordable(rows, aside, decoded)
