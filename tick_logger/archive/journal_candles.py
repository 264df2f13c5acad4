"""The answers about candles that the journal holds, found again: what certificates' checks rest on.

Reads the journal from its beginning, as far as it is still there.  Not here: the comparison.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from tick_logger.exchanges import registry
from tick_logger.exchanges.candles_by_rest import has_candles, unwrap_candles
from tick_logger.exchanges.venue_error import VenueError
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader, segments
from tick_logger.model.candles import Candles
from tick_logger.model.entries import Received
from tick_logger.model.routes import BACKFILL_LABEL
from tick_logger.storage.files import Files

DayOf = tuple[str, int]
"""An exchange and a UTC day (since 1970-01-01)."""


def journal_candles(
    files: Files, days: Collection[DayOf]
) -> Mapping[tuple[str, int, str], list[Candles]]:
    """By exchange, day and symbol the answers about minutes of these days; raises `OSError`."""
    found: dict[tuple[str, int, str], list[Candles]] = {}
    exchanges = {exchange for exchange, _ in days}
    there = [each.first_seq for each in segments(files) if each.first_seq is not None]
    for frame in JournalReader(files, from_seq=min(there, default=0), skip_damage=True):
        for entry in decode_entries(frame.body):
            if isinstance(entry, Received) and entry.exchange in exchanges:
                for candles in _candles(entry):
                    for day in candles.days:
                        if (entry.exchange, day) in days:
                            key = entry.exchange, day, candles.symbol
                            found.setdefault(key, []).append(candles.of_day(day))
    return found


def _candles(entry: Received) -> Iterator[Candles]:
    if BACKFILL_LABEL not in entry.connections or not registry.knows(entry.exchange):
        return
    asked = registry.get(entry.exchange).candles_by_rest
    for payload, at_ns in zip(entry.split(), entry.recv_ns_of_payloads().tolist(), strict=True):
        if asked is None or not has_candles(payload):
            continue
        try:
            wanted, answer = unwrap_candles(payload)
            yield asked.of(answer, wanted, at_ns)
        except (msgspec.MsgspecError, VenueError):
            continue  # whoever asked has not taken it either
