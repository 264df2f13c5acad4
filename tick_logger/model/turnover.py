"""Which instruments of a listing are traded most, where the listing tells how much each is.

Turnovers are in the quote currency of their instrument: to be compared they are brought into one
currency, by the prices of the same listing.  Good enough for an order, and for nothing else.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence

from tick_logger.model.instruments import Instrument


def most_traded_first(listing: Sequence[Instrument]) -> Sequence[Instrument]:
    """In order of turnover; those of which it is not known come last, as listed."""
    # Whatever their order, they tell the same.
    told = sorted((each for each in listing if each.turnover > 0), key=_identity)
    if not told:
        return listing
    values = _values(told)

    def amount(each: Instrument) -> float:
        found = each.turnover * values.get(each.quote, math.nan)
        return found if found > 0 else 0.0

    return sorted(listing, key=amount, reverse=True)


def _identity(each: Instrument) -> tuple[str, float, float]:
    price = each.last_price
    return each.symbol, each.turnover, 0.0 if math.isnan(price) else price


def _values(told: Sequence[Instrument]) -> dict[str, float]:
    """What currencies are worth, in that which is most often the quote."""
    ((common, _),) = Counter(each.quote for each in told).most_common(1)
    neighbours: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for currency, other, worth in _exchanges(told):
        neighbours[currency].append((other, worth))
    values, waiting = {common: 1.0}, deque([common])
    while waiting:
        currency = waiting.popleft()
        for other, worth in neighbours[currency]:
            if other not in values:
                values[other] = values[currency] * worth
                waiting.append(other)
    return values


def _exchanges(told: Sequence[Instrument]) -> Iterator[tuple[str, str, float]]:
    """Currency, another, and how much of the first one of the other is worth."""
    for each in told:
        if 0 < each.last_price < math.inf:
            yield each.quote, each.base, each.last_price
            yield each.base, each.quote, 1 / each.last_price
