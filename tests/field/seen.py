"""What a performance left behind: what the venue was asked, and what lies on disk.

It is read with nothing but numpy and the standard library.  Times are seconds since the dialogue
began.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs
import numpy as np

from tests.field.player import Note
from tests.service.oracle import FORMATS
from tests.sim.said import facts


@attrs.frozen(kw_only=True)
class Hole:
    """A gap record that counts: what of it is healed is cut off, and an open one has no end."""

    cause: str
    from_secs: float
    to_secs: float
    from_id: int | None
    to_id: int | None

    def covers(self, secs: float, slack_secs: float = 0.0) -> bool:
        """Whether it speaks of this moment."""
        return self.from_secs - slack_secs <= secs <= self.to_secs + slack_secs


@attrs.frozen(kw_only=True)
class Rows:
    """Rows of a stream in file order: their columns, and when they were received."""

    columns: Mapping[str, np.ndarray]
    recv_secs: list[float]

    def __len__(self) -> int:
        return len(self.recv_secs)

    def __getitem__(self, column: str) -> list[Any]:
        return list(self.columns[column].tolist())


@attrs.frozen(kw_only=True)
class Seen:
    """All that is left of one performance."""

    venue: str
    began_ns: int
    secs: float  # that it lasted
    notes: Sequence[Note]
    files: Mapping[str, bytes]
    lines: Sequence[Mapping[str, Any]]  # of the log
    codes: Sequence[int]  # with which the program ended, once for each of its lives

    # -- what was asked and said --------------------------------------------------------------

    def asked(self, kind: str, *having: str) -> list[float]:
        """When something of this kind (see `Note`) with all these texts was asked."""
        return [
            note.secs
            for note in self.notes
            if note.kind == kind and all(text in note.text for text in having)
        ]

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self.asked("open"))

    def sent_trades(self, symbol: str) -> list[tuple[float, int]]:
        """When, and with which id, trades of a symbol were sent, in order."""
        return [(secs, key[0]) for secs, key in self._sent("TRADES", symbol)]

    def _sent(self, table: str, symbol: str) -> Iterator[tuple[float, tuple[Any, ...]]]:
        for note in self.notes:
            if note.kind == "sent":
                for fact in facts(self.venue, note.text.encode()):
                    if (fact.table, fact.symbol) == (table, symbol):
                        yield note.secs, fact.key

    def said(self, *having: str) -> list[Mapping[str, Any]]:
        """Lines of the log in which all these texts occur."""
        return [
            line
            for line in self.lines
            if all(text in json.dumps(dict(line), default=str, ensure_ascii=False)
                   for text in having)
        ]  # fmt: skip

    # -- what is on disk ----------------------------------------------------------------------

    @cached_property
    def symbols(self) -> list[str]:
        """The folders of symbols that have rows."""
        inside = [path.split("/") for path in self.files if path.startswith(f"{self.venue}/")]
        return sorted({parts[1] for parts in inside if len(parts) >= 4})

    def rows(self, symbol: str, table: str, *, late: bool = False) -> Rows:
        """Those of all days, those beside them apart."""
        folder = f"{self.venue}/{_folder(symbol)}/{'late/' if late else ''}{table}"
        inside = [path for path in self.files if path.startswith(f"{folder}/")]
        days = sorted(
            {
                path.removesuffix(".bin").split(".", 1)[1]
                for path in inside
                if "/recv_time." in path
            },
            key=lambda day: day.split(".")[::-1],
        )
        columns = {
            name: np.concatenate(
                [np.empty(0, dtype)]
                + [np.frombuffer(self.files[f"{folder}/{name}.{day}.bin"], dtype) for day in days]
            )
            for name, dtype in FORMATS[table].items()
        }
        recv_ns = columns["recv_time"].astype("i8") * 10**9 + columns["recv_nanos"]
        return Rows(columns=columns, recv_secs=[self._secs(ns) for ns in recv_ns.tolist()])

    def holes(self, symbol: str, table: str) -> list[Hole]:
        """Those that are not healed."""
        lines = [
            json.loads(text)
            for path, content in sorted(self.files.items())
            if path.startswith(f"{self.venue}/{_folder(symbol)}/gaps.")
            for text in content.splitlines()
        ]
        told = [line for line in lines if line["table"] == table]
        ended = {_which(line) for line in told if line["to_ns"] is not None}
        healed = {_ids(line) for line in told if line["healed"]}
        return [
            Hole(
                cause=line["cause"],
                from_secs=self._secs(line["from_ns"], 0.0),
                to_secs=self._secs(line["to_ns"], self.secs),
                from_id=line["from_id"],
                to_id=line["to_id"],
            )
            for line in told
            if not line["healed"]
            and (line["from_id"] is None or _ids(line) not in healed)
            and not (line["to_ns"] is None and _which(line) in ended)
        ]

    def _secs(self, ns: int | None, otherwise: float = 0.0) -> float:
        return otherwise if ns is None else (ns - self.began_ns) / 1e9


def _folder(symbol: str) -> str:
    """Where a symbol lies, which may have a character that no folder can have."""
    return symbol.replace("%", "%25").replace("/", "%2F")


def _which(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line["cause"], line["from_ns"]


def _ids(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line["from_id"], line["to_id"]
