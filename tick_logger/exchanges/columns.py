"""From many like messages to columns at once, with every value checked.

A `Findings` collects the rows and events in the payloads of one decode call.  Adapters decode the
payloads and put like messages together (`messages`), and hand whole lists of field values to the
methods here.

Invariant: a payload that was rejected for any of its values yields no row and no event, and no
other payload is touched by it.  Not here: the decoding of a payload, and whatever only one venue
does.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TypeAlias, TypeVar

import attrs
import msgspec
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges import times
from tick_logger.exchanges.base import (
    BadFrame,
    Counted,
    Decoded,
    DecodedRows,
    Event,
    UnknownKind,
)
from tick_logger.exchanges.messages import Frames, explained
from tick_logger.exchanges.nesting import TOO_DEEP, too_deep
from tick_logger.model.rows import concatenated, picked
from tick_logger.model.tables import (
    BOOK_ASK,
    BOOK_BID,
    FLAG_SNAPSHOT,
    NO_TIME,
    SPECS,
    UUID_DTYPE,
    Table,
)

E = TypeVar("E")
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

MAX_NUMBER = 1e30
"""Prices and sizes end here: far above any real one, and below the largest f4 (3.4e38), so that
no column of either width ever holds an infinity."""

MAX_REASON_CHARS = 200
"""A reason quotes what was sent, which may be megabytes long."""


class NumberRule:
    """The lowest allowed value of each number column of one kind of message, by name.

    `ABOVE_ZERO` and `FROM_ZERO` are the usual ones.  The check is one comparison for all columns.
    """

    def __init__(self, **lowest: float) -> None:
        self.names = list(lowest)
        self.lowest = np.array(list(lowest.values()))[:, np.newaxis]


ABSENT = float("nan")
"""Default of optional number fields, known by identity: a NaN that was sent is not this one."""

ABOVE_ZERO = float(np.finfo(np.float64).smallest_subnormal)
FROM_ZERO = 0.0


class Level(msgspec.Struct, array_like=True, gc=False):
    """Price and size of one level of a book, a list that may hold more."""

    price: float
    size: float


LEVEL = NumberRule(price=ABOVE_ZERO, size=FROM_ZERO)


@attrs.define
class Findings:
    """What the payloads of one decode call say, put together by `done`.

    Those that nest too deeply are rejected at once: whatever a decoder makes of them is dropped.
    """

    symbols: Mapping[str, int]
    _payloads: Sequence[bytes] = ()
    _bad: dict[int, str] = attrs.field(factory=dict, init=False)
    _parts: dict[Table, list[DecodedRows]] = attrs.field(factory=dict, init=False)
    _events: list[tuple[int, Event]] = attrs.field(factory=list, init=False)
    _counted: list[tuple[Frames, Sequence[int]]] = attrs.field(factory=list, init=False)
    _unknown: dict[int, str] = attrs.field(factory=dict, init=False)
    _untimed: list[Frames] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        for frame in too_deep(self._payloads):
            self.reject(frame, TOO_DEEP)

    def reject(self, frame: int, reason: str) -> None:
        """Payload `frame` is bad; the first reason stays."""
        self._bad.setdefault(frame, _shortened(reason))

    def unknown(self, frame: int, kind: str) -> None:
        """Payload `frame` is a well-formed message of a kind of which we do not know."""
        if kind:
            self._unknown[frame] = _shortened(kind)
        else:
            self.reject(frame, "a message of no kind")

    def undecodable(self, frame: int, error: Exception, kind: str = "") -> None:
        """Payload `frame` is bad, because a decoder raised `error`; `kind` is its message's."""
        self.reject(frame, f"{kind}: {explained(error)}" if kind else explained(error))

    def event(self, frame: int, event: Event) -> None:
        """Payload `frame` says `event`."""
        self._events.append((frame, event))

    def count(self, frame: Frames, numbers: Sequence[int]) -> None:
        """These payloads, bad or not, have these numbers among all of their connection.

        What came is not missing, whatever it says.
        """
        self._counted.append((frame, numbers))

    def rows(
        self,
        table: Table,
        frame: Frames,
        columns: Mapping[str, npt.ArrayLike],
        *,
        needs_any: Sequence[str] = (),
    ) -> None:
        """Rows of a table, one value per row in each column and in `frame` (never decreasing).

        A single value is a column of nothing else, which costs no memory.  A row that has a number
        in none of the columns `needs_any` is left out.  Fields that came with later versions of the
        format may be missing.
        """
        spec = SPECS[table]
        dtypes, columns = spec.all_fields, {**spec.absent, **columns}
        cast = {
            name: np.asarray(columns[name], dtypes[name]) for name in dtypes if name != "recv_ns"
        }
        cast = {name: c if c.ndim else np.broadcast_to(c, len(frame)) for name, c in cast.items()}
        if needs_any:
            some = np.asarray(np.isfinite([cast[name] for name in needs_any]).any(axis=0))
            if not some.all():
                cast, frame = picked(cast, some), frame[some]
        self._parts.setdefault(table, []).append(DecodedRows(table, cast, frame))

    def instruments(self, frame: Frames, names: Sequence[str]) -> npt.NDArray[np.int32]:
        """The indices of symbols (int32, shape `(n,)`); an unknown symbol rejects its payload."""
        index = self.symbols
        try:
            return np.array([index[name] for name in names], np.int32)
        except KeyError:
            pass
        for number, name in zip(frame.tolist(), names, strict=True):
            if name not in index:
                self.reject(number, f"unknown symbol {name!r}")
        return np.array([index.get(name, -1) for name in names], np.int32)

    def numbers(self, frame: Frames, rule: NumberRule, *columns: Sequence[float]) -> Floats:
        """Prices and sizes of n messages as float64 of shape `(fields, n)`, NaN where `ABSENT`.

        A value that is not finite or out of range rejects its payload.  (The decoder itself
        accepts the texts "nan" and "inf".)
        """
        flat = np.fromiter(chain.from_iterable(columns), np.float64, len(columns) * len(frame))
        values = flat.reshape(len(columns), -1)
        good = (values >= rule.lowest) & (values < MAX_NUMBER)
        if not good.all():
            for field in np.flatnonzero(~good.all(axis=1)).tolist():
                absent = np.array([value is ABSENT for value in columns[field]])
                for row in np.flatnonzero(~(good[field] | absent)).tolist():
                    reason = f"{rule.names[field]} of {values[field, row]} is out of range"
                    self.reject(int(frame[row]), reason)
        return values

    def book(
        self,
        frame: Frames,
        columns: Mapping[str, npt.NDArray[np.generic] | int],
        bids: Sequence[list[Level]],
        asks: Sequence[list[Level]],
        flags: int = 0,
    ) -> None:
        """BOOK rows of messages that hold a list of bids and a list of asks each, in that order.

        `columns` are instrument, event_ns and seq, with one value per message as in `frame`, or one
        for all.
        """
        lists = list(chain.from_iterable(zip(bids, asks, strict=True)))
        counts = np.fromiter(map(len, lists), np.int64, len(lists))
        per_level = np.repeat(frame, counts[::2] + counts[1::2])
        levels = list(chain.from_iterable(lists))
        prices, sizes = [level.price for level in levels], [level.size for level in levels]
        self.levels(frame, columns, counts, self.numbers(per_level, LEVEL, prices, sizes), flags)

    def levels(
        self,
        frame: Frames,
        columns: Mapping[str, npt.NDArray[np.generic] | int],
        counts: Ints,
        values: Floats,
        flags: npt.NDArray[np.generic] | int,
    ) -> None:
        """BOOK rows of n messages, of which `values` has all prices and all sizes.

        `counts` (shape `(2n,)`) are the levels of each side, bids first.  `columns` and `flags` are
        as those of `book`, or `flags` has one value per message.  A side of a snapshot that is
        empty is said by one row with a price of NaN and a size of 0.
        """
        flags = np.broadcast_to(np.asarray(flags, np.uint32), frame.shape)
        empty = (counts == 0) & (np.repeat(flags, 2) & FLAG_SNAPSHOT != 0)
        if empty.any():
            values = np.insert(values, np.cumsum(counts)[empty], [[np.nan], [0.0]], axis=1)
            counts = np.where(empty, 1, counts)
        per_message = counts[::2] + counts[1::2]
        own = {
            "side": np.repeat(np.tile([BOOK_BID, BOOK_ASK], len(frame)), counts),
            "price": values[0],
            "size": values[1],
            "flags": np.repeat(flags, per_message),
        }
        repeated = {
            name: column if isinstance(column, int) else np.repeat(column, per_message)
            for name, column in columns.items()
        }
        self.rows(Table.BOOK, np.repeat(frame, per_message), repeated | own)

    def unix_times(self, frame: Frames, values: Sequence[int]) -> Ints:
        """Numbers of any unit as int64 ns; NO_TIME, which is counted, where none was sent."""
        return self._owed(frame, times.unix_times(values))

    def iso_times(self, frame: Frames, texts: Sequence[str], *, owed: bool = True) -> Ints:
        """ISO-8601 texts as int64 ns; NO_TIME where empty or outside 2000 to 2100.

        A text that is no such time rejects its payload.  NO_TIME is counted where one is `owed`.
        """
        try:
            found = times.iso_times(texts)
        except ValueError:
            found = self._iso_times_one_by_one(frame, texts)
        return self._owed(frame, found) if owed else found

    def _owed(self, frame: Frames, found: Ints) -> Ints:
        """Count the times that are missing; a row each, like `frame`."""
        missing = found == NO_TIME
        if missing.any():
            self._untimed.append(frame[missing])
        return found

    def _iso_times_one_by_one(self, frame: Frames, texts: Sequence[str]) -> Ints:
        each = [times.iso_time(text) for text in texts]
        for row, time_ns in enumerate(each):
            if time_ns is None:
                self.reject(int(frame[row]), f"{texts[row]!r} is not a time")
        return np.array([NO_TIME if ns is None else ns for ns in each], np.int64)

    def uuids(
        self, frame: Frames, texts: Sequence[str], *, owed: bool = True
    ) -> npt.NDArray[np.void]:
        """UUID texts as their 16 bytes (shape `(n,)`); a malformed one rejects its payload.

        An empty one that is not owed is all zeros.
        """
        try:
            return _uuid_bytes(texts)
        except ValueError:
            each = zip(frame.tolist(), texts, strict=True)
            return np.concatenate([self._uuid(f, t, owed=owed) for f, t in each])

    def _uuid(self, frame: int, text: str, *, owed: bool) -> npt.NDArray[np.void]:
        try:
            return _uuid_bytes([text])
        except ValueError:
            if text or owed:
                self.reject(frame, f"{text!r} is not a UUID")
            return np.zeros(1, UUID_DTYPE)

    def done(self) -> Decoded:
        """Everything found, without what rejected payloads said; tables in their order."""
        tables = [merged(table, self._parts[table], self._bad) for table in sorted(self._parts)]
        events = sorted(self._events, key=itemgetter(0))
        return Decoded(
            rows=tuple(rows for rows in tables if len(rows.frame)),
            events=tuple(entry for entry in events if entry[0] not in self._bad),
            bad=tuple(BadFrame(frame, self._bad[frame]) for frame in sorted(self._bad)),
            counted=self._all_counted(),
            unknown=tuple(UnknownKind(frame, kind) for frame, kind in self._unknown.items()),
            untimed=sum(int((~np.isin(f, list(self._bad))).sum()) for f in self._untimed),
        )

    def _all_counted(self) -> Counted | None:
        if not self._counted:
            return None
        frame = np.concatenate([frame for frame, _ in self._counted])
        total = sum(len(numbers) for _, numbers in self._counted)
        flat = chain.from_iterable(numbers for _, numbers in self._counted)
        number = np.fromiter(flat, np.int64, total)
        order = np.argsort(frame, kind="stable")
        deep = [each for each, reason in self._bad.items() if reason == TOO_DEEP]
        if deep:  # which of them a decoder follows differs
            order = order[~np.isin(frame[order], deep)]
        return Counted(frame[order], number[order])


def flattened(frame: Frames, lists: Sequence[list[E]]) -> tuple[Frames, list[E]]:
    """The entries of all messages in order, and the frame of each; `lists` has one per message."""
    counts = list(map(len, lists))
    if counts.count(1) != len(counts):
        frame = np.repeat(frame, counts)
    return frame, list(chain.from_iterable(lists))


# -- texts in bulk ---------------------------------------------------------------------------------


def _uuid_bytes(texts: Sequence[str]) -> npt.NDArray[np.void]:
    """UUIDs in the usual form of 36 characters; ValueError if one text is not."""
    raw = _fixed_width(texts, 36)
    dashes = raw.view(np.uint8).reshape(-1, 36)[:, [8, 13, 18, 23]]
    packed = unhexlify(raw.tobytes().translate(None, b"-"))
    if len(packed) != 16 * len(texts) or (dashes != ord("-")).any():
        raise ValueError("a UUID of another form")
    return np.frombuffer(packed, UUID_DTYPE)


def _fixed_width(texts: Sequence[str], width: int) -> npt.NDArray[np.bytes_]:
    """ASCII texts of exactly `width` characters as bytes; ValueError if one text is not."""
    if list(map(len, texts)).count(width) != len(texts):
        raise ValueError("a text of another length")
    return np.frombuffer("".join(texts).encode("ascii"), f"S{width}")


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_REASON_CHARS else text[:MAX_REASON_CHARS] + "..."


def merged(
    table: Table, parts: Sequence[DecodedRows], bad: Collection[int] = frozenset()
) -> DecodedRows:
    """The parts as one, in the order of the payloads, without the rows of bad payloads."""
    columns, frame = parts[0].columns, parts[0].frame
    rows: npt.NDArray[np.int64] | None = None
    if len(parts) > 1:
        frame = np.concatenate([part.frame for part in parts])
        columns = {name: concatenated([part.columns[name] for part in parts]) for name in columns}
        rows = np.argsort(frame, kind="stable")
    if bad:
        order = np.arange(len(frame)) if rows is None else rows
        rows = order[~np.isin(frame[order], list(bad))]
    if rows is None:
        return parts[0]
    return DecodedRows(table, picked(columns, rows), frame[rows])
