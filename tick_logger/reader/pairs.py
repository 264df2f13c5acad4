"""What recorded symbols are called everywhere, such as BTC-USD, by the newest listings.

Not here: which symbols a name means (`naming`).
"""

from __future__ import annotations

from collections.abc import Mapping

from tick_logger.reader.source import Source, Symbol


def pairs_of(source: Source) -> Mapping[Symbol, str]:
    """The normal names of what was listed; of what nobody says, there is none."""
    listed = source.instruments()
    return {Symbol(each.exchange, each.symbol): each.pair for each in listed if each.pair}
