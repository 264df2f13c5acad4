"""What a payload is about that cannot be understood: the streams that may lack rows for it.

A payload, even one that is torn or has wrong values, names a symbol and a kind of message as often
as not.  So its quoted texts are looked at: those that are symbols, and those that an adapter knows
as names of kinds.  Where no symbol is named, nobody can tell whose message it was, nor whether
anything is missing at all: nothing is said then.

Pure.  Not here: what of a payload is good (`apart`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs
import msgspec

from tick_logger.exchanges.messages import UNDECODABLE
from tick_logger.model.tables import Table

MOST_LOOKED_AT = 4096
"""Bytes at the beginning of a payload in which names are looked for.  Only books are longer, and
what comes then is nothing but levels."""

Place: TypeAlias = tuple[int, Table]
"""An instrument and one of its tables."""

Named: TypeAlias = tuple[str, Collection[Table]]
"""The symbol and the tables that one text names, if it does: either may be empty."""

_MEMBER = rb'"%b"\s*:\s*"?([0-9A-Fa-f-]{1,40})["\s,}]'
_MOST_ID = 2**63 - 1
_QUOTED = re.compile(rb'"((?:[^"\\]|\\.)*)"\s*(:?)')
_decode_text = msgspec.json.Decoder(str).decode


@attrs.frozen
class Said:
    """What the quoted texts of a payload name, as far as they are looked at."""

    is_answer: bool
    tables: frozenset[Table]
    symbols: frozenset[str]  # what may be one


@attrs.frozen
class Naming:
    """How a venue's payloads say what they are about.

    `named` tells what a quoted text names.  A payload in which a member or a text is called as in
    `answers` is no market data.  The member `trade_id` holds the id of a trade, which `id_of` makes
    a number of.
    """

    named: Callable[[str], Named]
    answers: Collection[str] = frozenset()
    trade_id: str = ""
    id_of: Callable[[str], int] = int

    def said(self, payload: bytes) -> Said:
        """What the beginning of a payload, or of a part of one, names."""
        texts = [*_texts(payload)]
        named = [(*self.named(text), is_member) for text, is_member in texts]
        return Said(
            is_answer=any(text in self.answers for text, _ in texts),
            tables=frozenset(table for _, tables, _ in named for table in tables),
            symbols=frozenset(symbol for symbol, _, is_member in named if not is_member),
        )

    def id_in(self, text: bytes) -> int | None:
        """The id of the trade that a text is of, if it is of one, and its id can be read."""
        ids = re.findall(_MEMBER % self.trade_id.encode(), text) if self.trade_id else []
        try:
            found = self.id_of(ids[0].decode()) if len(ids) == 1 else -1
        except ValueError:
            return None
        return found if 0 <= found <= _MOST_ID else None


def of_kinds(kinds: Mapping[str, Collection[Table]]) -> Callable[[str], Named]:
    """For `Naming.named`, where symbols and kinds stand alone."""
    return lambda text: (text, kinds.get(text, ()))


def tables_of(said: Iterable[Said]) -> frozenset[Table]:
    """The tables of which there may be rows: none in an answer, all if nothing is named.

    The first that names anything counts.
    """
    for each in said:
        if each.is_answer:
            return frozenset()
        if each.tables:
            return each.tables
    return frozenset(Table)


def places(said: Sequence[Said], symbols: Mapping[str, int]) -> set[Place]:
    """The streams that a part of a payload belongs to.

    It says so itself, or what is around it, and last the whole payload.  The first of them that
    names a symbol counts; if none does, there are none.
    """
    for each in said:
        found = {symbols[name] for name in each.symbols if name in symbols}
        if found:
            return {(instrument, table) for instrument in found for table in tables_of(said)}
    return set()


def _texts(payload: bytes) -> Iterator[tuple[str, bool]]:
    """The quoted texts where a payload begins, each once, and whether it names a member."""
    for text, colon in dict.fromkeys(_QUOTED.findall(payload[:MOST_LOOKED_AT])):
        try:
            yield _decode_text(b'"' + text + b'"') if b"\\" in text else text.decode(), bool(colon)
        except UNDECODABLE:
            continue
