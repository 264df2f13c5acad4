"""Payloads that came on both lines of a venue, byte for byte: found before they are decoded.

The first to come is decoded and kept; the other is neither, and its connection hears of it what the
first has said (data, links of books, numbers of messages).  Payloads are told apart by all of their
bytes, and counted: the n-th of one line and the n-th of the other are twins.

Only data can be: acknowledgements, heartbeats and what was not understood are about their own
connection.  Nor can rows that may be equal without being one: those of which one line leads
(`Twins.LED`), and those that are counted where they are compared (`Twins.UNTIMED`).  While a
connection is handed over, what the old one still brings has no part in it; and when one begins,
what the other line brought before has no twin to come.

Memory: what waits for its twin, for `KEPT_SECS`, and so many at most.  Not here: what is done with
twins (`decoder`).
"""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges.base import (
    BookLink,
    BookSnapshot,
    BookTexts,
    Counted,
    Decoded,
    DecodedRows,
    TradeIdSeen,
)
from tick_logger.model.routes import LINES, SECOND_LINE, route_of
from tick_logger.model.tables import Table
from tick_logger.model.twins import Twins
from tick_logger.net.intake.arrivals import Arrival

KEPT_SECS = 5.0
"""By trio's clock; of a line that is further behind everything is decoded."""

MOST_KEPT = 20_000
"""Of one share on one line: 4,000 a second for as long as they are kept, some 10 MB."""

Mask: TypeAlias = npt.NDArray[np.bool_]

_HAVE_NONE = (Twins.UNTIMED, Twins.LED)
"""Rows for which an equal payload is no twin."""

_OF_DATA = (BookLink, BookSnapshot, BookTexts, TradeIdSeen)
"""What data says beside rows; any other event is about the connection."""

First: TypeAlias = "tuple[Portion, int, float]"
"""A payload that came first: its portion, its number there, and when (trio's clock) it came."""

_Waiting: TypeAlias = dict[bytes, list[First]]


@attrs.define(eq=False)
class Portion:
    """Payloads that are decoded together; `twins` says which of them came before, by number."""

    payloads: list[bytes] = attrs.field(factory=list)
    twins: dict[int, First] = attrs.field(factory=dict)
    said: Decoded = attrs.field(factory=Decoded)  # by the numbers of all payloads
    _waiting: dict[int, _Waiting] = attrs.field(factory=dict)  # by id, where the others wait

    def wait_in(self, waiting: _Waiting) -> None:
        """Some of its payloads wait there for their twins."""
        self._waiting[id(waiting)] = waiting

    def settle(self, said: Decoded, twins_of: Mapping[Table, Twins]) -> None:
        """This is what its payloads say, but for the twins; only those with data can have any.

        Twins of others are none, and have to be decoded after all.
        """
        self.said = said
        data = _with_data(said, twins_of, len(self.payloads))
        for frame in np.flatnonzero(~data).tolist():
            if frame not in self.twins:
                self._wait_no_more(frame)
        for frame, (portion, number, _) in list(self.twins.items()):
            if portion is self and not data[number]:
                del self.twins[frame]

    def _wait_no_more(self, frame: int) -> None:
        payload = self.payloads[frame]
        for waiting in self._waiting.values():
            firsts = waiting.get(payload)
            if firsts:
                waiting[payload] = [each for each in firsts if each[0] is not self]

    def echoes(self) -> list[Decoded]:
        """What the twins say, in the words of those that came first, by their own numbers."""
        by_portion: dict[int, tuple[Portion, dict[int, int]]] = {}
        for frame, (portion, number, _) in self.twins.items():
            found = by_portion.get(id(portion))
            if found is None:
                found = by_portion[id(portion)] = (portion, {})
            found[1][number] = frame
        return [_of(portion.said, frames) for portion, frames in by_portion.values()]


@attrs.define(eq=False)
class _Pair:
    """One share on both lines: its connections, and what they have brought alone so far."""

    newest: dict[int, str] = attrs.field(factory=dict)
    waiting: tuple[_Waiting, ...] = attrs.field(factory=lambda: tuple({} for _ in LINES))
    order: tuple[deque[tuple[float, Sequence[bytes]]], ...] = attrs.field(
        factory=lambda: tuple(deque() for _ in LINES)
    )

    def takes(self, line: int, label: str) -> bool:
        """Whether a connection is the newest of its line, and there is one on the other."""
        newest = self.newest.get(line)
        if newest is None or _generation(label) > _generation(newest):
            self.newest[line] = label
            self.waiting[1 - line].clear()
            self.order[1 - line].clear()
        return self.newest[line] == label and len(self.newest) == len(LINES)

    def forget(self, before: float) -> None:
        """Forget what has waited for too long; if too much waits, all of it."""
        for order, waiting in zip(self.order, self.waiting, strict=True):
            if len(waiting) > MOST_KEPT or (order and order[0][0] < before):
                self._forget(order, waiting, before)

    @staticmethod
    def _forget(
        order: deque[tuple[float, Sequence[bytes]]], waiting: _Waiting, before: float
    ) -> None:
        if len(waiting) > MOST_KEPT:
            order.clear()
            waiting.clear()
        while order and order[0][0] < before:
            at, payloads = order.popleft()
            for payload in payloads:
                firsts = waiting.get(payload)
                if firsts is not None:
                    firsts = [each for each in firsts if each[2] > at]
                    if firsts:
                        waiting[payload] = firsts
                    else:
                        del waiting[payload]


class PayloadTwins:
    """What each line of one exchange has brought that the other has not, so far."""

    def __init__(self) -> None:
        self._pairs: dict[str, _Pair] = {}
        self._is_used = False

    def look(self, arrivals: Sequence[Arrival]) -> Portion | None:
        """Which of the payloads of these arrivals came before; None while there is one line."""
        if not self._is_used:
            self._is_used = any(route_of(each.source.label) == SECOND_LINE for each in arrivals)
            if not self._is_used:
                return None
        portion = Portion()
        for arrival in arrivals:
            label = arrival.source.label
            line = route_of(label)
            if line in LINES and label[:1].isdigit():
                pair = self._pairs.setdefault(_share(label), _Pair())
                if pair.takes(line, label):
                    pair.forget(arrival.arrived - KEPT_SECS)
                    _match(pair, line, arrival, portion)
            portion.payloads += arrival.payloads
        return portion


def _match(pair: _Pair, line: int, arrival: Arrival, portion: Portion) -> None:
    mine, theirs, at = pair.waiting[line], pair.waiting[1 - line], arrival.arrived
    for number, payload in enumerate(arrival.payloads, len(portion.payloads)):
        firsts = theirs.pop(payload, None)
        if firsts:
            portion.twins[number] = firsts.pop(0)
            if firsts:
                theirs[payload] = firsts
        elif payload in mine:
            mine[payload].append((portion, number, at))
        else:
            mine[payload] = [(portion, number, at)]
    pair.order[line].append((at, arrival.payloads))
    portion.wait_in(mine)


@functools.lru_cache(maxsize=4096)  # as many connections as there are at a time, many times over
def _share(label: str) -> str:
    """What the labels of both lines of a share have in common."""
    number, _, rest = label.partition(".")[0].partition("-")
    return f"{number.rstrip('b')}-{rest}"


@functools.lru_cache(maxsize=4096)
def _generation(label: str) -> int:
    return int(label.rpartition(".")[2])


def _with_data(said: Decoded, twins_of: Mapping[Table, Twins], count: int) -> Mask:
    """Which of so many payloads are nothing but data that a twin may have."""
    data = np.zeros(count, np.bool_)
    for rows in said.rows:
        data[rows.frame] = True
    for rows in said.rows:
        if rows.table is not Table.TRADES and twins_of.get(rows.table) in _HAVE_NONE:
            data[rows.frame] = False
    for part in (said.bad, said.lost, said.unknown):
        data[[each.frame for each in part]] = False
    data[[frame for frame, event in said.events if not isinstance(event, _OF_DATA)]] = False
    return data


def _of(said: Decoded, frames: Mapping[int, int]) -> Decoded:
    """What these payloads say, under their new numbers; of rows only whose they are."""
    new = np.full(max(frames) + 1, -1, np.int32)
    new[list(frames)] = list(frames.values())

    def numbers(old: np.ndarray) -> np.ndarray:
        return np.where(old < len(new), new[np.minimum(old, len(new) - 1)], -1)

    rows = []
    for part in said.rows:
        mine = numbers(part.frame)
        columns = {"instrument": part.columns["instrument"][mine >= 0]}
        rows.append(DecodedRows(part.table, columns, mine[mine >= 0].astype(np.int32)))
    counted = said.counted
    if counted is not None:
        mine = numbers(counted.frame)
        counted = Counted(mine[mine >= 0].astype(np.int32), counted.number[mine >= 0])
    events = tuple((frames[frame], event) for frame, event in said.events if frame in frames)
    return Decoded(tuple(each for each in rows if len(each.frame)), events, counted=counted)
