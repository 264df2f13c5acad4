"""The holes of a symbol: its gaps files together, and those kept where they had no place.

Invariant: what is returned is missing; healed parts are taken out, and lines about no hole are
left out.  A line that cannot be read is passed over (`verify` names it).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from tick_logger.model.flush import GapRecord
from tick_logger.model.proof import Proof
from tick_logger.model.tables import Table
from tick_logger.reader.places import Places
from tick_logger.reader.source import Symbol
from tick_logger.reader.tree import Tree
from tick_logger.storage.gap_files import ABOUT_NO_HOLE, parse_gaps, parse_proofs, standing
from tick_logger.storage.layout import UnwrittenPath, parse
from tick_logger.storage.names import day_of_text

_GAPS_FILE = re.compile(r"gaps\.(\d\d\.\d\d\.\d\d)\.jsonl", re.ASCII)
_LATE = "late/"
_ANY = 0
"""The number of an instrument that stands for the one whose files are read."""


class _Unwritten(msgspec.Struct):
    """The keys of a record beside the exchanges' folders by which it belongs to a symbol."""

    exchange: str
    symbol: str


_decode_unwritten = msgspec.json.Decoder(_Unwritten).decode


class HoleFiles:
    """The gaps files of one tree."""

    def __init__(self, tree: Tree, places: Places) -> None:
        self._tree = tree
        self._places = places

    def standing(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What is missing of a symbol, in the order in which it was noticed."""
        lines = [*self._unwritten(symbol), *self._lines(symbol)]
        left = (gap for gap in standing(lines) if not gap.healed and gap.cause not in ABOUT_NO_HOLE)
        return list(dict.fromkeys(left))

    def healed(self, symbol: Symbol) -> Sequence[GapRecord]:
        """What was missing of a symbol for a time, and how it healed."""
        lines = [*self._unwritten(symbol), *self._lines(symbol)]
        return list(dict.fromkeys(line for line in lines if line.healed and line.to_ns is not None))

    def proof(self, symbol: Symbol, table: Table) -> Proof | None:
        """What the newest gaps file says that the absence of holes is worth; None if none does."""
        for path in reversed(self._paths(symbol)):
            said = parse_proofs(bytes(self._tree.read(path))).get(table)
            if said is not None:
                return said
        return None

    def _lines(self, symbol: Symbol) -> Iterator[GapRecord]:
        for path in self._paths(symbol):
            yield from parse_gaps(bytes(self._tree.read(path)), _ANY).records

    def _paths(self, symbol: Symbol) -> list[str]:
        """By the days on which holes began; what came after a day was sealed behind its file."""
        folder = self._places.folder_of(symbol)
        found = []
        for order, inner in enumerate(("", _LATE)):
            for name in self._tree.list(f"{folder}/{inner}".rstrip("/")):
                match = _GAPS_FILE.fullmatch(name)
                day = day_of_text(match[1]) if match else None
                if day is not None:
                    found.append((day, order, f"{folder}/{inner}{name}"))
        return [path for _, _, path in sorted(found)]

    def homeless(self) -> set[Symbol]:
        """The symbols whose gaps files did not take a hole, because they could not be written."""
        told = (_symbol_of(line) for lines in self._beside() for line in lines)
        return {symbol for symbol in told if symbol is not None}

    def _unwritten(self, symbol: Symbol) -> Iterator[GapRecord]:
        for lines in self._beside():
            theirs = b"".join(line for line in lines if _symbol_of(line) == symbol)
            yield from parse_gaps(theirs, _ANY).records

    def _beside(self) -> Iterator[list[bytes]]:
        """The lines of each file beside the exchanges' folders."""
        for name in self._tree.list():
            if isinstance(parse(name), UnwrittenPath):
                yield bytes(self._tree.read(name)).splitlines(keepends=True)


def _symbol_of(line: bytes) -> Symbol | None:
    """Whose hole a line is about; None if it cannot be read."""
    try:
        found = _decode_unwritten(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Symbol(found.exchange, found.symbol)
