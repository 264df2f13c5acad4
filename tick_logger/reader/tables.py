"""The tables that a user means by words: `trades`, `book`, also `orderbook`, `MD` and the like."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from tick_logger.model.tables import Table
from tick_logger.reader.gaps import WORDS

_ALSO: Mapping[str, Table] = {
    "trade": Table.TRADES,
    "quote": Table.QUOTES,
    "bbo": Table.QUOTES,
    "tickers": Table.MD,
    "orderbook": Table.BOOK,
    "book_updates": Table.BOOK,
}
"""Other words for them, beside those of the interface and the names of their folders."""

_NAMES = {
    **{str(table).lower(): table for table in Table},
    **_ALSO,
    **{word: table for table, word in WORDS.items()},
}


def table_named(word: str) -> Table:
    """The table of a word in any case; raises `ValueError`, which names what there is."""
    plain = word.strip().lower()
    if plain in _NAMES:
        return _NAMES[plain]
    near = difflib.get_close_matches(plain, _NAMES, n=1)
    hint = f"; did you mean {WORDS[_NAMES[near[0]]]}?" if near else ""
    raise ValueError(f"there is no table {word!r}, but {', '.join(WORDS.values())}{hint}")


def tables_named(words: str | Sequence[str] | None) -> tuple[Table, ...]:
    """The tables of some words, without repetition; all for None.  Raises `ValueError`."""
    if words is None:
        return tuple(WORDS)
    found = [table_named(word) for word in ([words] if isinstance(words, str) else words)]
    if not found:
        raise ValueError("no tables are asked for")
    return tuple(dict.fromkeys(found))
