"""Cases: small inputs to an adapter with the right answer, one a line of a JSON lines file.

`do` is `decode` (`payloads`, of which the symbols are numbered as `symbols` lists them) or
`listing` (`body`).  `right` says what must come out, of these as far as they are there: `bad`, the
numbers of bad payloads; `rows` by table, all of them in order, each with the fields that matter
(null is NaN, "0|none" zero or NaN); `events`, their kinds in order; `counted`, the messages'
numbers; `active`, the symbols that are traded.  `why` is for people.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from tests.exchanges.said import events_of, rows_of
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded, VenueError
from tick_logger.model.tables import Table

SAID_OF_BOOKS = {"BookTexts", "BookSnapshot"}
"""Events that only the code for books needs, of which cases do not speak."""

_TOLERANCE = 1e-12


@attrs.frozen
class Case:
    """One input, and what is right."""

    id: str
    venue: str
    right: Mapping[str, Any]
    symbols: tuple[str, ...] = ()
    payloads: tuple[bytes, ...] = ()
    body: bytes = b""

    @classmethod
    def of(cls, line: str) -> Case:
        """From its line."""
        fields = json.loads(line)
        return cls(
            id=fields["id"],
            venue=fields["venue"],
            right=fields["right"],
            symbols=tuple(fields.get("symbols", ())),
            payloads=tuple(each.encode() for each in fields.get("payloads", ())),
            body=fields.get("body", "").encode(),
        )

    def complaints(self) -> list[str]:
        """What is not right, as sentences."""
        exchange = registry.get(self.venue)
        if "active" in self.right:
            try:
                listed = exchange.parse_listing(self.body)
            except VenueError as error:
                return [f"no listing: {error}"]
            active = [each.symbol for each in listed if each.active]
            return list(_unequal("active symbols", active, self.right["active"]))
        numbered = {symbol: number for number, symbol in enumerate(self.symbols)}
        return list(_judged(exchange.decode(self.payloads, numbered), self.right))


def cases_in(folder: Path) -> list[Case]:
    """All cases in the files of a folder."""
    return [
        Case.of(line)
        for path in sorted(folder.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def _judged(decoded: Decoded, right: Mapping[str, Any]) -> Iterator[str]:
    yield from _unequal("bad payloads", [bad.frame for bad in decoded.bad], right.get("bad", []))
    for table, expected in right.get("rows", {}).items():
        found = rows_of(decoded, Table(table))
        yield from _unequal(f"rows of {table}", len(found), len(expected))
        for number, (row, fields) in enumerate(zip(found, expected, strict=False)):
            for name, value in fields.items():
                if not _is_right(row[name], value):
                    yield f"{table} row {number}: {name} is {row[name]}, not {value}"
    if "events" in right:
        kinds = [type(event).__name__ for event in events_of(decoded)]
        spoken_of = [kind for kind in kinds if kind not in SAID_OF_BOOKS - {*right["events"]}]
        yield from _unequal("events", spoken_of, right["events"])
    if "counted" in right:
        numbers = [] if decoded.counted is None else decoded.counted.number.tolist()
        yield from _unequal("numbers", numbers, right["counted"])


def _unequal(what: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{what}: {found}, not {expected}"


def _is_right(found: Any, expected: Any) -> bool:  # noqa: ANN401 - any cell
    if expected is None:
        return bool(math.isnan(found))
    if expected == "0|none":
        return bool(found == 0 or math.isnan(found))
    if isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=_TOLERANCE)
    return bool(found == expected)
