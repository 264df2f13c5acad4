"""What a page is told of the days of a recording: by exchange and day, and symbol by symbol.

Not here: looking it up (`survey`), and how it is spelled for a browser (`looking_back`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from tick_logger.model.times import NS_PER_DAY
from tick_logger.reader.catalog import MISSING
from tick_logger.reader.source import Symbol
from tick_logger.reader.survey import CONDITIONS, DAY, MOST_DAYS, Days, Survey
from tick_logger.reader.times import iso

Document = dict[str, Any]

SORTS: Mapping[str, Callable[[Document], Any]] = {
    "symbol": lambda each: (each["symbol"], each["exchange"]),
    "rows": lambda each: each["rows"],
    "last": lambda each: each["last"] or 0.0,
    "holes": lambda each: (each["damaged"], each["holes"], each["missing_secs"]),
}
"""By what symbols may be sorted."""


def day_text(day: int) -> str:
    """A UTC day as ISO text."""
    return iso(day * NS_PER_DAY)[:10]


def calendar(survey: Survey, only: Collection[str] | None = None) -> Document:
    """Each exchange with its days, from its first one in the last `MOST_DAYS` to the last of all.

    Of `only` these, if any are given.  A day in between of which there is nothing is there too, as
    missing.
    """
    exchanges: dict[str, list[Days]] = {}
    for symbol in survey.symbols:
        if only is not None and symbol.exchange not in only:
            continue
        exchanges.setdefault(symbol.exchange, []).append(survey.days(symbol))
    joined = {name: np.concatenate(days) for name, days in exchanges.items()}
    last = max((int(days["day"].max()) for days in joined.values() if len(days)), default=-1)
    told = [
        {"name": name, "symbols": len(exchanges[name]), "days": _days(days, last)}
        for name, days in joined.items()
    ]
    return {"exchanges": told, **progress(survey)}


def symbol_list(
    survey: Survey,
    *,
    query: str,
    exchange: str | None,
    day: int | None,
    sort: str,
    offset: int,
    limit: int,
    exchanges: Collection[str] | None = None,
) -> Document:
    """Symbols that contain the query, in whatever case; of one exchange, or of one day.

    Those too whose pair contains it.

    Of no other `exchanges` than these, if any are given.

    `sort` is one of `SORTS`, with a "-" before it from the greatest on; raises `ValueError`.
    """
    by = SORTS.get(sort.removeprefix("-"))
    if by is None:
        raise ValueError(f"sort must be one of {', '.join(SORTS)}, with or without a - before it")
    wanted, pairs = query.strip().casefold(), survey.pairs
    found = [
        _symbol(symbol, days) | {"pair": pairs.get(symbol)}
        for symbol in survey.symbols
        if exchange is None or symbol.exchange == exchange
        if wanted in _name(symbol) or wanted in pairs.get(symbol, "").casefold()
        if exchanges is None or symbol.exchange in exchanges
        for days in [_of_day(survey.days(symbol), day)]
        if day is None or len(days)
    ]
    found.sort(key=by, reverse=sort.startswith("-"))
    return {"symbols": found[offset : offset + limit], "total": len(found), **progress(survey)}


def progress(survey: Survey) -> Document:
    """How many symbols were looked at, and how many there are."""
    return {"looked": survey.looked, "of": len(survey.symbols)}


def _name(symbol: Symbol) -> str:
    return f"{symbol.exchange}/{symbol.symbol}".casefold()


def _of_day(days: Days, day: int | None) -> Days:
    return days if day is None else days[days["day"] == day]


def _symbol(symbol: Symbol, days: Days) -> Document:
    return {
        "exchange": symbol.exchange,
        "symbol": symbol.symbol,
        "days": len(days),
        "last_day": day_text(int(days["day"][-1])) if len(days) else None,
        **_sums(days),
    }


def _days(days: Days, last: int) -> list[Document]:
    if not len(days):
        return []
    days = np.sort(days, order="day")
    first = max(int(days["day"][0]), last - MOST_DAYS + 1)
    numbers = range(first, last + 1)
    edges = np.searchsorted(days["day"], np.arange(first, last + 2))
    return [
        {"day": day_text(day), **_of_exchange(days[edges[at] : edges[at + 1]])}
        for at, day in enumerate(numbers)
    ]


def _of_exchange(days: Days) -> Document:
    """One day of several symbols."""
    degraded = int((days["condition"] <= CONDITIONS.index("degraded")).sum())
    return {"symbols": len(days), "degraded": degraded, **_sums(days)}


def _sums(days: Days) -> Document:
    assert days.dtype == DAY, "no records of days"
    lasts = days["last"][np.isfinite(days["last"])]
    return {
        "condition": CONDITIONS[int(days["condition"].min())] if len(days) else MISSING,
        "rows": int(days["rows"].sum()),
        "late": int(days["late"].sum()),
        "holes": int(days["holes"].sum()),
        "missing_secs": float(days["missing"].max(initial=0.0)),
        "damaged": int(days["damaged"].sum()),
        "last": float(lasts.max()) if len(lasts) else None,
    }
