"""Which books may be asked for: what an exchange offers, against what is configured.

Works on raw values, so that no other error hides what is wrong.  Not here: what a single value may
be (`schema`), and which symbols get which (`markets`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tick_logger.config.rules import listed
from tick_logger.config.schema import BookKind, VenueDefaults

_DEPTH, _INTERVAL = "book_depth", "book_interval_ms"


def book_conflicts(section: Mapping[str, Any], venue: VenueDefaults) -> Iterator[tuple[str, str]]:
    """What is asked for and not offered: the key, within its section, and why."""
    markets = section.get("markets")
    tables = [("", section)]
    if isinstance(markets, list):
        named = ((f"markets[{n}].", each) for n, each in enumerate(markets))
        tables += [(at, each) for at, each in named if isinstance(each, dict)]
    for at, table in tables:
        if not table.keys() & {_DEPTH, _INTERVAL}:
            continue
        depth, interval_ms = (table.get(key, section.get(key, 0)) for key in (_DEPTH, _INTERVAL))
        if type(depth) is int and type(interval_ms) is int and venue.books:
            key = _INTERVAL if _INTERVAL in table else _DEPTH
            yield from _of_one(at, key, venue.books, depth, interval_ms)


def _of_one(
    at: str, key: str, books: Sequence[BookKind], depth: int, interval_ms: int
) -> Iterator[tuple[str, str]]:
    deep = depth or books[0].depth
    fitting = [each for each in books if each.depth == deep]
    if not fitting:
        offered = listed([_levels(each) for each in dict.fromkeys(e.depth for e in books)])
        yield f"{at}{_DEPTH}", f"{depth} levels are not offered by this exchange; it has: {offered}"
        return
    found = [each for each in fitting if interval_ms in (0, each.interval_ms)]
    if not found:
        often = listed([_often(each.interval_ms) for each in fitting])
        what = f"a book of {_levels(deep)} levels does not come every {interval_ms} ms"
        yield f"{at}{key}", f"{what}; this exchange sends it: {often}"
    elif found[0].refused:
        what = f"a book of {_levels(deep)} levels, {_often(found[0].interval_ms)},"
        yield f"{at}{key}", f"{what} {found[0].refused}"


def _levels(depth: int) -> str:
    return str(depth) if depth else "all"


def _often(interval_ms: int) -> str:
    return f"every {interval_ms} ms" if interval_ms else "as it changes"
