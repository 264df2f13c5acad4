"""Reads a listing entry by entry, so that an odd one costs nothing but itself.

An entry is a struct whose fields all have defaults.  A field that is null counts as one that was
not sent; one of a wrong type does too, and makes the entry an odd one, which is told of beside the
instruments.  Such an entry is an instrument nevertheless if it has a name: what is recorded needs
no more than that and its state.

Not here: the fields of any venue's listing, and the page around the entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from tick_logger.exchanges.base import Listed, Odd, VenueError
from tick_logger.exchanges.messages import UNDECODABLE, explained
from tick_logger.model.instruments import Instrument

MOST_ENTRIES = 100_000
"""Of one page: many times what any exchange lists."""


class Entry(Protocol):
    """One entry of a listing."""

    def instrument(self) -> Instrument | None:
        """What it describes, perhaps without a name; None: nothing that is recorded here."""
        ...


E = TypeVar("E", bound=Entry)


class Entries(Generic[E]):
    """The reader of one kind of entries, whose names are in the field `name`."""

    def __init__(self, entry: type[E], name: str) -> None:
        self._entry = entry
        self._name = name
        self._decode = msgspec.json.Decoder(entry).decode
        self._types = {
            field.encode_name: field.type
            for field in msgspec.structs.fields(entry)  # type: ignore[arg-type]
        }

    def read(self, entries: Iterable[msgspec.Raw], page: str) -> Listed:
        """What the entries of a page say; raises `VenueError` if none of them can be read."""
        found, odd, count = list[Instrument](), list[Odd](), 0
        for raw in entries:
            count += 1
            if count > MOST_ENTRIES:  # each costs the loop some microseconds
                raise VenueError(f"{page}: it has more than {MOST_ENTRIES:,} entries")
            try:
                instrument, complaint = self._decode(raw).instrument(), ""
            except UNDECODABLE as error:
                instrument, complaint = self._mended(raw, error)
            if instrument is None and not complaint:
                continue
            if instrument is not None and instrument.symbol.strip():
                found.append(instrument)
            elif instrument is not None and not complaint:
                if not instrument.active:
                    continue  # it is not traded, and nobody misses its name
                complaint = "it has no name"
            if complaint:
                odd.append(Odd(self._named(raw), complaint))
        if odd and len(odd) == count and not found:
            raise VenueError(f"{page}: none of its {count} entries can be read: {odd[0].reason}")
        return Listed(tuple(found), tuple(odd))

    def _mended(self, raw: msgspec.Raw, error: Exception) -> tuple[Instrument | None, str]:
        """An entry without what is null or of a wrong type, and what was of a wrong type."""
        fields = _fields(raw)
        if fields is None:
            return None, explained(error)
        kept: dict[str, Any] = {}
        complaint = ""
        for name, kind in self._types.items():
            value = fields.get(name)
            if value is None:
                continue
            try:
                msgspec.convert(value, kind)
            except msgspec.ValidationError as wrong:
                complaint = complaint or f"{name}: {wrong}"
            else:
                kept[name] = value
        return msgspec.convert(kept, self._entry).instrument(), complaint

    def _named(self, raw: msgspec.Raw) -> str:
        name = (_fields(raw) or {}).get(self._name)
        return name if isinstance(name, str) else ""


def _fields(raw: msgspec.Raw) -> dict[str, Any] | None:
    """The fields of an object; None if it is none."""
    try:
        value = msgspec.json.decode(raw)
    except UNDECODABLE:
        return None
    return value if isinstance(value, dict) else None
