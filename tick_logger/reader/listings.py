"""What exchanges listed, from the instruments files beside the data.

A file that cannot be read is passed over (`verify` names it), and the one before it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tick_logger.model.proof import Proof
from tick_logger.model.symbols import MappedInstrument
from tick_logger.model.tables import Table
from tick_logger.reader.places import Places
from tick_logger.reader.tree import Tree
from tick_logger.storage.instruments_file import SavedInstruments, UnreadableError, decode
from tick_logger.storage.names import day_of_text, folder_of

_INSTRUMENTS_FILE = re.compile(r"instruments\.(\d\d\.\d\d\.\d\d)\.json", re.ASCII)


class ListingFiles:
    """The instruments files of one tree."""

    def __init__(self, tree: Tree, places: Places) -> None:
        self._tree = tree
        self._places = places
        self._proofs: dict[str, Mapping[Table, Proof]] = {}
        """By exchange: it is asked for each of its symbols, and listings are long."""

    def instruments(self, day: int | None) -> Iterator[MappedInstrument]:
        """Of each exchange its last listing until a day (None: of all days)."""
        for exchange in self._places.exchanges():
            saved = self._newest(exchange, day)
            if saved is not None:
                yield from saved.instruments

    def proof(self, exchange: str, table: Table) -> Proof:
        """As the newest listing says; as this program knows the exchange if none does."""
        if exchange not in self._proofs:
            saved = self._newest(exchange, None)
            self._proofs[exchange] = _known_proofs(exchange) if saved is None else saved.proofs
        return self._proofs[exchange].get(table, Proof.UNPROVABLE)

    def _newest(self, exchange: str, until: int | None) -> SavedInstruments | None:
        folder = folder_of(exchange) if exchange else ""
        matches = map(_INSTRUMENTS_FILE.fullmatch, self._tree.list(folder))
        days = {day: match[0] for match in matches if match and (day := day_of_text(match[1]))}
        for day in sorted(days, reverse=True):
            if until is None or day <= until:
                data = bytes(self._tree.read(f"{folder}/{days[day]}".lstrip("/")))
                try:
                    return decode(data)
                except UnreadableError:
                    continue
        return None


def _known_proofs(exchange: str) -> Mapping[Table, Proof]:
    from tick_logger.exchanges import registry  # takes a while, and is seldom needed

    return registry.proofs_of(exchange)
