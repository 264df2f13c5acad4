"""Keeps payloads that were not understood, for inspection: one JSON line each, a bounded number.

`{exchange}/undecodable.{DD}.{MM}.{YY}.jsonl`, UTC day of receipt; keys `recv_ns`, `reason`,
`payload` (text; bytes that are not UTF-8 appear as replacement characters) and `bytes` (length).
Of payloads of an unknown kind the first is kept, once for all days.  Nothing but `verify` reads
these files back.

Which payloads are kept depends only on the payloads that came before, so that a replay after a
crash keeps the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tick_logger.model.entries import MAX_ASIDE_BYTES, KeptAside
from tick_logger.model.times import day_of
from tick_logger.storage.extents import Extent, Place
from tick_logger.storage.layout import UndecodablePath, undecodable_path
from tick_logger.storage.line_files import LineFiles, append_to_each

MAX_PER_DAY = 1_000
"""Per exchange: enough to see what is wrong, and never a full disk."""

MAX_COUNTED = 64
"""Exchanges and days whose numbers are remembered: those that were last written to."""


MAX_KINDS = 100
"""Unknown kinds of each exchange that are remembered: no payload is kept of any more."""


class KeptAsideFiles:
    """The payloads of each exchange that were not understood."""

    def __init__(self, lines: LineFiles) -> None:
        self._lines = lines
        self._counts: Counter[Place] = Counter()
        self._kinds: dict[str, list[str]] = {}  # by exchange, those of which one is kept

    def meet(self, asides: Iterable[KeptAside]) -> list[Extent]:
        """The lengths of those files of these payloads that are not known; see `LineFiles`."""
        return self._lines.meet(map(_place, asides))

    def append(self, asides: Iterable[KeptAside]) -> None:
        """Append payloads to their files, which were met before, up to each day's bound.

        Raises `PartlyWritten`: the files before the one it names are complete.
        """
        append_to_each(asides, _place, self._append)

    def dump(self) -> list[list[Any]]:
        """How many were kept of each exchange and day, as plain data."""
        return [[path, day, count] for (path, day), count in self._counts.items()]

    def dump_kinds(self) -> dict[str, list[str]]:
        """The unknown kinds of each exchange of which one is kept, as plain data."""
        return {exchange: list(kinds) for exchange, kinds in self._kinds.items()}

    def load(self, state: list[list[Any]], kinds: Mapping[str, Sequence[str]]) -> None:
        """Go on from what `dump` and `dump_kinds` gave."""
        self._counts = Counter({(path, day): count for path, day, count in state})
        self._kinds = {exchange: list(those) for exchange, those in kinds.items()}

    def _append(self, place: Place, asides: Sequence[KeptAside]) -> None:
        kept = self._without_known(asides)[: MAX_PER_DAY - self._counts[place]]
        if not kept:
            return
        self._lines.append(place, [_line(aside) for aside in kept])
        for aside in kept:
            if aside.kind:
                self._kinds.setdefault(aside.exchange, []).append(aside.kind)
        self._counts[place] = self._counts.pop(place, 0) + len(kept)  # the newest comes last
        for old in list(self._counts)[:-MAX_COUNTED]:
            del self._counts[old]
        assert place in self._counts, "kept without being counted"

    def _without_known(self, asides: Sequence[KeptAside]) -> list[KeptAside]:
        """Those that are of no kind, or the first of theirs."""
        kept, kinds = [], {each: list(those) for each, those in self._kinds.items()}
        for aside in asides:
            known = kinds.setdefault(aside.exchange, [])
            if aside.kind and (aside.kind in known or len(known) >= MAX_KINDS):
                continue
            if aside.kind:
                known.append(aside.kind)
            kept.append(aside)
        return kept


def _place(aside: KeptAside) -> Place:
    day = day_of(aside.recv_ns)
    return undecodable_path(UndecodablePath(aside.exchange, day)), day


def _line(aside: KeptAside) -> bytes:
    record = {
        "recv_ns": aside.recv_ns,
        "reason": aside.reason,
        "bytes": aside.whole_bytes or len(aside.payload),
        "payload": aside.payload[:MAX_ASIDE_BYTES].decode("utf-8", "replace"),
    }
    return json.dumps(record).encode() + b"\n"


def unreadable_lines(data: bytes) -> list[int]:
    """The numbers, from 0, of the lines of a file that are none of these."""
    bad = []
    for number, line in enumerate(data.splitlines()):
        try:
            said = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict) or not said.keys() >= {"recv_ns", "reason", "payload"}:
            bad.append(number)
    return bad
