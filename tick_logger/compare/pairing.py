"""Which symbol of one recording is compared with which of the other.

By exchange and symbol; where one recording has no exchanges (an earlier logger's layout), a symbol
is that of the one exchange in the other that has it, or of the exchange that the user names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import attrs

from tick_logger.errors import ConfigError
from tick_logger.reader.naming import every
from tick_logger.reader.source import Source, Symbol

MOST_NAMED = 5
"""Symbols that are named where a choice has to be made."""


@attrs.frozen
class Pair:
    """A symbol in each recording, None where it lacks it; the exchange as it is shown."""

    exchange: str
    symbol: str
    old: Symbol | None
    new: Symbol | None


def paired(old: Source, new: Source, exchange: str = "") -> Sequence[Pair]:
    """All symbols of both, by exchange and symbol.

    Raises `ConfigError` where a symbol without an exchange may be of several, or `exchange` is in
    neither recording.
    """
    olds, news = list(every(old)), list(every(new))
    if exchange:
        known = sorted({each.exchange for each in (*olds, *news) if each.exchange})
        if exchange not in known:
            there = ", ".join(known) or "none"
            raise ConfigError([("--exchange", f"no {exchange!r} is recorded; there are: {there}")])
    named_olds = _with_exchanges(olds, news, exchange)
    named_news = _with_exchanges(news, olds, exchange)
    places = sorted({*named_olds, *named_news})
    return [
        Pair(each.exchange, each.symbol, named_olds.get(each), named_news.get(each))
        for each in places
        if not exchange or each.exchange == exchange
    ]


def _with_exchanges(
    symbols: Sequence[Symbol], others: Sequence[Symbol], exchange: str
) -> dict[Symbol, Symbol]:
    """Symbols by what they are called with their exchange."""
    without = {each.symbol for each in symbols if not each.exchange}
    homes: dict[str, list[str]] = {}
    for each in others:
        if each.symbol in without and (each.exchange == exchange or not exchange):
            homes.setdefault(each.symbol, []).append(each.exchange)
    unclear = {symbol: found for symbol, found in homes.items() if len(found) > 1}
    if unclear:
        raise ConfigError([("--exchange", _question(unclear))])
    counts = Counter(found[0] for found in homes.values())
    usual = exchange or (counts.most_common(1)[0][0] if counts else "")
    return {
        each if each.exchange else Symbol(homes.get(each.symbol, [usual])[0], each.symbol): each
        for each in symbols
    }


def _question(unclear: dict[str, list[str]]) -> str:
    symbol, found = next(iter(sorted(unclear.items())))
    more = len(unclear) - 1
    others = f" (and {more:,} more symbols)" if more else ""
    return f"say which: {symbol}{others} is of {', '.join(sorted(found))}"
