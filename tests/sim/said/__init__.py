"""What payloads say, read with nothing but the standard library: one reader for each venue.

A fact is something that a table has a row for.  Its key is all values that the row must have, in
the order of the table's columns, receive times left out.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from typing import Any

import attrs

from tests.sim.said.facts import EMPTY, UNSOUND, Known
from tick_logger.model.venue_names import adapter_of


class _ByVenue(dict[str, Known]):
    """Those of an entrance with a name of its own are its venue's."""

    def __missing__(self, name: str) -> Known:
        venue = adapter_of(name, self)
        assert venue is not None, f"nobody reads {name}"
        return self[venue]


def _known() -> _ByVenue:
    found = _ByVenue()
    for module in pkgutil.iter_modules(__path__):
        found |= getattr(importlib.import_module(f"{__name__}.{module.name}"), "KNOWN", {})
    return found


_TOO_DEEP = b"[" * 257
"""What nests more than 256 levels is not sound, though the parsers of some Pythons follow it."""

KNOWN = _known()
"""By venue: every module here says which venues' messages it reads."""


@attrs.frozen
class Fact:
    """Something that was said about a symbol: for trades id and event time are all of the key.

    `sound` is whether it stood in a message in which all is as it should be.
    """

    table: str
    symbol: str
    key: tuple[Any, ...]
    sound: bool = True


def facts(exchange: str, payload: bytes) -> Iterator[Fact]:
    """What a payload says; of one that is spoiled, what can be made out."""
    sound, read = _TOO_DEEP not in payload, KNOWN[exchange].read
    try:
        message = json.loads(payload) if sound else _repaired(payload)
    except ValueError:
        sound, message = False, _repaired(payload)
    try:
        said = list(read(message))
    except (KeyError, TypeError, ValueError, AttributeError):
        return  # wrong types
    for table, symbol, *key in said:
        makes_sense = sound and not table.startswith(UNSOUND)
        yield Fact(table.removeprefix(UNSOUND), symbol, tuple(key), makes_sense)


def payload_of(frame: bytes) -> bytes:
    """What is in an unmasked frame of a WebSocket."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def snapshot(body: bytes) -> Iterator[tuple[int, int, float | None, float]]:
    """The rows of a REST book snapshot."""
    message = json.loads(body)
    for side, levels in ((1, message["bids"]), (0, message["asks"])):
        if not levels:
            yield message["lastUpdateId"], side, *EMPTY
        for price, size in levels:
            yield message["lastUpdateId"], side, float(price), float(size)


def _repaired(payload: bytes) -> object:
    for spoilt in (b',"note":', b',"extra":'):
        head, found, _ = payload.partition(spoilt)
        if found:
            return json.loads(head + b"}")
    return None
