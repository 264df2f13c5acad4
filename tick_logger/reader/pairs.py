"""What recorded symbols are called everywhere, such as BTC-USD, by the newest listings.

Not here: which symbols a name means (`naming`).
"""

from __future__ import annotations

from collections.abc import Mapping

from tick_logger.model.times import NS_PER_SECOND
from tick_logger.reader.source import Source, Symbol

READ_ANEW_NS = 600 * NS_PER_SECOND
"""Listings are long, and seldom say something new."""


def pairs_of(source: Source) -> Mapping[Symbol, str]:
    """The normal names of what was listed; of what nobody says, there is none."""
    listed = source.instruments()
    return {Symbol(each.exchange, each.symbol): each.pair for each in listed if each.pair}


class KeptPairs:
    """The same of one source, for whoever asks often: read anew every `READ_ANEW_NS`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: Mapping[Symbol, str] = {}
        self._until_ns = 0

    def at(self, now_ns: int) -> Mapping[Symbol, str]:
        """As of now, or of a little before.  Raises `OSError`."""
        if not self._until_ns - READ_ANEW_NS <= now_ns < self._until_ns:
            self._known = pairs_of(self._source)
            self._until_ns = now_ns + READ_ANEW_NS
        return self._known
