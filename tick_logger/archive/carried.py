"""What a newer certificate takes over from an older one, as the files for it were let go of.

Main files go when the archive has them, and what was shown of them stays shown: streams of the same
day are said again as they were, and the certificate of the day before tells what came before a day.

Pure.  Not here: what is found in the files that are there (`facts`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tick_logger.archive.certificate import Certificate, Gone, subject_name
from tick_logger.archive.facts import Earlier, StreamFacts
from tick_logger.archive.named import Named
from tick_logger.model.tables import Table

PACKED_ROWS = "packed_rows"
"""Among the sources: by table how many rows the objects have that are named.  They are as many as
are certified, less late ones that are not packed yet, and more where some came for a day after its
files were let go of."""


def gone_since(
    before: Certificate | None, facts: Sequence[StreamFacts], exchange: str, day: int
) -> list[Gone]:
    """The streams of which less lies in order than is certified, which never happens but when a day
    is let go of: a newer certificate does not take back what was shown.  `verify` tells of damage.
    """
    if before is None:
        return []
    there = {(each.symbol, each.table.value): each.lengths.main for each in facts}
    digests = before.subjects
    found = []
    for stream in before.predicate["streams"]:
        of = stream["symbol"], stream["table"]
        name = subject_name(exchange, *of, day)
        if there.get(of, 0) < stream["rows"]["in_order"] and name in digests:
            found.append(Gone(stream, {"name": name, "digest": {"sha256": digests[name]}}))
    return found


def objects_to_name(told: Named, before: Certificate | None) -> Named:
    """The objects to be named: all that are told of, unless some are missing that were named.

    Who keeps the archive may not have looked yet, or is not there any more.
    """
    if before is None or before.objects.items() <= told.hashes.items():
        return told
    return Named(before.objects, before.predicate["sources"].get(PACKED_ROWS, {}))


def checks_beside(
    found: Sequence[Mapping[str, Any]],
    before: Certificate | None,
    gone: Collection[tuple[str, str]],
) -> list[Mapping[str, Any]]:
    """The comparisons with candles, those of trades that are gone as they were."""
    without = {symbol for symbol, table in gone if table == Table.TRADES}
    if before is None or not without:
        return list(found)
    said = [each for each in before.predicate["checks"] if each["symbol"] in without]
    mine = [*said, *(each for each in found if each["symbol"] not in without)]
    return sorted(mine, key=lambda each: str(each["symbol"]))


def earlier_rows(day_before: Certificate | None, symbol: str) -> dict[str, Earlier]:
    """By table what a certificate says of the last rows of a symbol."""
    if day_before is None:
        return {}
    found = {}
    for stream in day_before.predicate["streams"]:
        if stream["symbol"] == symbol and stream["rows"]["in_order"]:
            ids = stream["ids"]
            is_whole = ids is not None and ids["count_of_ranges"] == len(ids["ranges"])
            found[stream["table"]] = Earlier(ids["ranges"][-1][1] if is_whole else None)
    return found
