"""Which objects of an archive a certificate names: those that are verified wherever they are to be.

So whoever has any copy of the archive finds all that is named there.  Objects of the layout
"source" are not named, as there may be tens of thousands of a day: the day's list of hashes has
them.

Not here: when a newer certificate names more of them (`due`, `certifying`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from tick_logger.archive.keys import SOURCE, TypedKey, parse
from tick_logger.archive.ledger import Day, Ledger, Where


@attrs.frozen
class Named:
    """Objects of one exchange and day: their SHA-256 by key, and how many rows those of each table
    have (`TRADES`, …)."""

    hashes: Mapping[str, str] = attrs.field(factory=dict)
    rows: Mapping[str, int] = attrs.field(factory=dict)


NOTHING = Named()


def named(ledger: Ledger, wanted: Sequence[Where], exchange: str, day: int) -> Named:
    """Those of a day, in the order in which they were packed."""
    hashes: dict[str, str] = {}
    rows: Counter[str] = Counter()
    for each in ledger.objects(exchange, day):
        if each.table == SOURCE or not all(ledger.is_verified(each.key, w) for w in wanted):
            continue
        hashes[each.key] = each.sha256
        if isinstance(key := parse(each.key), TypedKey):
            rows[key.table.value] += each.rows
    return Named(hashes, dict(sorted(rows.items())))


class NamedObjects:
    """Those of the days that may be certified again, as of the last cycle of an archive.

    Learned in the thread that writes the ledger; may be asked in another one.
    """

    def __init__(self) -> None:
        self._days: dict[Day, Named] = {}

    def learn(self, ledger: Ledger, wanted: Sequence[Where], since: int) -> None:
        """Take what changed since the last call, of the days from `since` (1970-01-01) on."""
        for exchange, day in ledger.take_changed():
            if day >= since:
                self._days[exchange, day] = named(ledger, wanted, exchange, day)
        for old in [each for each in self._days if each[1] < since]:
            del self._days[old]

    def of(self, exchange: str, day: int) -> Named:
        """Those of a day; nothing as long as no cycle has ended."""
        return self._days.get((exchange, day), NOTHING)
