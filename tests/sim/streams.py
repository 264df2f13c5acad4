"""One table of one symbol on the disk, beside what came out of the sockets.

* What came is on disk, unless the story excuses its loss: a death less than the persist interval
  later, a disk in trouble, a buffer that overflowed meanwhile, an adapter's bug.
* What is on disk came, and came then, and is there once if it can be told from others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tests.service.gap_lines import missing
from tests.service.oracle import ASIDE, LATE, REST, Rows, gap_records, untold
from tests.service.oracle import rows as stored_rows
from tests.sim.by_rest import repeated, true_keys
from tests.sim.court import Came, Court, Given, Key
from tests.sim.limits import Row, needlessly_late
from tick_logger.simulator.truth import TrueTrade

MOST_SHOWN = 3

SNAPSHOT = 1  # in BOOK.flags

CLOCK_SECS = 1e-3
"""By which times of receipt are known."""

ENVELOPES_TIME = {"binance", "bybit", "bybit_linear", "coinbase_advanced"}
"""Venues whose tickers have the time of the message: on two lines they are told apart without."""

MOST_AHEAD_SECS = 31.0
"""Of a row that is recorded among the others, and a second for the venue's own delays."""

ROUNDING_SECS = 1.001e-3
"""Many venues tell times in milliseconds, never later than they were."""

KEYS = {
    "TRADES": ("trade_id",),
    "QUOTES": ("update_id", "best_bid", "best_bid_size", "best_ask", "best_ask_size"),
    "MD": ("price", "volume", "side", "best_bid", "best_ask"),
    "BOOK": ("update_id", "side", "price", "size"),
}


class Stream:
    """Its rows, in order, late and set aside, those that came by REST, and its gap records."""

    def __init__(self, court: Court, exchange: str, symbol: str, table: str) -> None:
        self.court = court
        self.exchange, self.symbol, self.table = exchange, symbol, table
        world = court.world
        # Something is told of up to a step of the market after it happened.
        self.step_secs = court.venue(exchange).simulated["step_secs"]
        self.parts = [
            self._stored(late=late, origin=origin)
            for late, origin in ((False, LATE), (True, LATE), (True, ASIDE))
        ]
        self.by_rest = self._stored(late=True, origin=REST)
        records = gap_records(world.disk, exchange, symbol, table)
        self.unwritten = untold(world.disk, exchange, symbol, table)
        self.gaps = missing(_in_order(records, self.unwritten))
        self.has_strays = any(gap["cause"] == "stray" for gap in records)
        self.begun_again = world.exchanges[exchange].ids_begun_again
        self._streamed = [key for part in self.parts for key in _keys(part, table)]
        self.rest_keys: list[Key] = []
        self.untrue_by_rest = len(self.by_rest)  # rows that are no trade
        if table == "TRADES":
            self.rest_keys, self.untrue_by_rest = true_keys(self.by_rest, self.trades)
        self.keys = [*self._streamed, *self.rest_keys]
        self._recv_ns = [ns for part in self.parts for ns in part.recv_ns.tolist()]
        self._found = Counter(self.keys)
        self._said = {key[1:] for key in self.keys} if self._is_untimed else set()

    def _stored(self, *, late: bool, origin: int) -> Rows:
        where = self.court.world.disk, self.exchange, self.symbol, self.table, late
        return stored_rows(*where, price_dtype=self.court.width, origin=origin)

    def __str__(self) -> str:
        return f"{self.exchange} {self.symbol} {self.table}"

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def _is_untimed(self) -> bool:
        """Whether what came on another line may stand for a row, with another time."""
        return (
            self.table == "MD"
            and self.court.venue(self.exchange).kind in ENVELOPES_TIME
            and self.court.has_two_lines
        )

    @property
    def trades(self) -> list[TrueTrade]:
        """The trades that were made of its symbol."""
        return self.court.world.exchanges[self.exchange].truth.trades(self.symbol)

    def invented(self, given: Given) -> Iterator[str]:
        """Rows that nobody sent, or not then, or that are there twice."""
        strange = [key for key in dict.fromkeys(self._streamed) if key not in given]
        if strange:
            yield f"{len(strange)} rows were never sent: {strange[:MOST_SHOWN]}"
        if self.untrue_by_rest:
            yield f"{self.untrue_by_rest} rows by REST are no trades of its exchange"
        if self.table == "BOOK":
            return
        if self.table != "MD":  # without an id, nothing tells one from another
            # Ids that begin again may come with what they came with before.
            most = 1 + self.begun_again if self.table == "QUOTES" else 1
            once = Counter(key for part in self.parts[:2] for key in _keys(part, self.table))
            again = repeated(self.rest_keys, list(once))
            if again:
                yield f"{len(again)} trades were filled and are there twice: {again[:MOST_SHOWN]}"
            twice = [key for key, count in once.items() if count > most and key[0]]
            if twice:
                yield f"{len(twice)} rows are there twice: {twice[:MOST_SHOWN]}"
        wrong = [
            key
            for key, recv_ns in zip(self._streamed, self._recv_ns, strict=True)
            if key in given and all(recv_ns != came.recv_ns for came in given[key])
        ]
        if wrong:
            yield f"{len(wrong)} rows came at another time: {wrong[:MOST_SHOWN]}"

    def lost(self, given: Given) -> Iterator[str]:
        """What came out of a socket, and is missing without excuse or without a gap record."""
        if self.table == "BOOK":
            return
        court, unexcused, uncovered = self.court, [], []
        for key, times in given.items():
            sound = [came for came in times if came.sound]
            if key in self._found or not sound or key[1:] in self._said:
                continue
            if self.looks_known(key):
                court.counts["lost for the id of another"] += 1
                continue
            # What is sent once more is known already, and was left out then.
            left_out = any(self.had_no_place(came.at, came.recv_ns) for came in times)
            excuses = [
                "no place" if left_out else court.excuse(came, self.exchange) for came in sound
            ]
            for came, excuse in zip(sound, excuses, strict=True):
                court.counts[f"lost to {excuse}"] += 1
                if excuse is None:
                    unexcused.append((key, came.at, came.process.number))
            if not any(self.covers(key, came.at, came.recv_ns) for came in sound):
                if all(self.nothing_known(came.at) for came in sound):
                    court.counts["lost unknowingly"] += 1
                elif self.is_a_greeting(key, times):
                    court.counts["lost greetings"] += 1
                else:
                    uncovered.append((key, sound[0].at, sound[0].process.number, excuses))
        if unexcused:
            yield f"{len(unexcused)} were received and are lost: {unexcused[:MOST_SHOWN]}"
        if uncovered:
            yield (
                f"{len(uncovered)} were received and are in no gap record: {uncovered[:MOST_SHOWN]}"
            )

    def is_a_greeting(self, key: Key, times: Sequence[Came]) -> bool:
        """Whether one of two lines alone was sent it, and it said nothing new."""
        alone = self.table == "MD" and len({came.connection for came in times}) == 1
        return alone and self.court.greets_alone(self.exchange, self.symbol, key, times[0])

    def looks_known(self, key: Key) -> bool:
        """Whether nothing tells it from what another process has put on the disk.

        Where ids are times, and the exchange's clock stands still, many quotes have one id.
        """
        may_stand = self.table == "QUOTES" and self.court.had_odd_times
        return may_stand and key[0] != 0 and key[0] in {each[0] for each in self._found}

    def had_no_place(self, at: float, recv_ns: int | None = None) -> bool:
        """Whether what came then could not be written, though the disk worked."""
        holes = (gap for gap in self.unwritten if gap["cause"] == "unwritable")
        return any(self._spans(gap, at, recv_ns) for gap in holes)

    def hasty(self, given: Given) -> Iterator[str]:
        """Rows that are apart from the others though they came in time."""
        if self.table == "BOOK" or not len(self.parts[1]):
            return
        in_order, late = (_rows_of(part, self.table, given) for part in self.parts[:2])
        found = [*needlessly_late(self.court.world, in_order, late)]
        if found:
            yield f"{len(found)} rows are late but came in time: {found[:MOST_SHOWN]}"

    def left_open(self) -> Iterator[str]:
        """Holes without an end, though the last process stopped in order."""
        last = self.court.world.processes[-1]
        still = [gap for gap in self.gaps if gap["to_ns"] is None and gap["cause"] != "unwritable"]
        self.court.counts["holes left open by a death"] += len(still)
        if still and last.code == 0:
            yield f"{len(still)} holes are open in the end: {still[:MOST_SHOWN]}"

    def misjudged(self) -> Iterator[str]:
        """Rows that are set aside though they are right, or that are not though they cannot be."""
        if self.court.was_clock_set:
            return  # who is wrong shows only in time
        if len(self.parts[2]) and not self.court.had_odd_times:
            yield f"{len(self.parts[2])} rows are set aside"
        for part in self.parts[:2]:
            ahead_secs = (part.event_ns - part.recv_ns) / 1e9 - self.court.venue_ahead_secs
            if self.table == "BOOK":  # a snapshot has the time of the update after it
                ahead_secs = ahead_secs[(part["flags"] & SNAPSHOT) == 0]
            if (ahead_secs > MOST_AHEAD_SECS).any():
                yield f"a row of the files is {ahead_secs.max()} s ahead"

    def wanted(self, at: float) -> bool:
        """Whether what happens then is to be recorded, whenever its exchange tells of it."""
        told = (at, at + self.step_secs)
        return all(self.court.wanted(self.exchange, self.symbol, self.table, t) for t in told)

    def nothing_known(self, at: float) -> bool:
        """Whether nothing of the stream was durable before a death soon after this time.

        Who starts again then cannot know that there was anything to lose, nor that it was wanted
        again.  What nobody wants any more is not asked about.
        """
        process = self.court.process_at(at)
        if process is None or process.code == 0:
            return False
        place = self.exchange, self.symbol, self.table
        if not self.court.wanted_after(*place, self.court.dead_until(self.exchange, process)):
            return True
        return not self.has_rows_until(at)

    def has_rows_until(self, at: float) -> bool:
        """Whether anything is on the disk that came while it was wanted as it was then."""
        since = self.court.wanted_since(self.exchange, self.symbol, self.table, at)
        came = self.court.moments_of_rows(self.exchange, self._recv_ns)
        return any(since <= moment <= at for moment in came)

    def covers(self, key: Key, at: float, recv_ns: int | None = None) -> bool:
        """Whether a gap record speaks of it: by its id, or where none is known by its time.

        An id that was given twice tells nothing, so that the time does.  If ids begin again just
        below the last one, and some are lost, those that came look like strays.
        """
        if any(gap["from_id"] <= key[0] <= gap["to_id"] for gap in self.gaps if _has_ids(gap)):
            return True
        again = self.table == "TRADES" and key[0] in self.given_twice
        if again and self.has_strays:
            return True
        timed = (gap for gap in self.gaps if again or not _has_ids(gap))
        return any(self._spans(gap, at, recv_ns) for gap in timed)

    @cached_property
    def given_twice(self) -> frozenset[int]:
        """The ids that more than one trade had."""
        count = Counter(trade.trade_id for trade in self.trades)
        return frozenset(each for each, times in count.items() if times > 1)

    def _spans(self, gap: Mapping[str, Any], at: float, recv_ns: int | None) -> bool:
        """Whether a record is of this moment, or of what was received with this time.

        A clock that is set back goes on from what it has shown last, and nobody knows when it did.
        """
        if recv_ns is not None and gap["from_ns"] <= recv_ns <= (gap["to_ns"] or recv_ns):
            return True
        # If the clock was set back meanwhile, the end has an earlier label than the beginning.
        ends = self.court.moments(gap["from_ns"])
        is_open = gap["to_ns"] is None
        ends += [self.court.world.ended] if is_open else self.court.moments(gap["to_ns"])
        early = self.step_secs + ROUNDING_SECS
        return bool(ends) and min(ends) - early <= at <= max(ends) + CLOCK_SECS


def _in_order(
    records: Sequence[Mapping[str, Any]], unwritten: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The lines of both kinds of files, what opens and what closes holes where that matters.

    A hole may begin in one of them and be over in the other.
    """
    both = [dict(each) for each in (*records, *unwritten)]
    if unwritten:
        both.sort(key=lambda each: (each["to_ns"] is not None, bool(each["healed"])))
    return both


def _has_ids(gap: Mapping[str, Any]) -> bool:
    return gap["from_id"] is not None


def _rows_of(part: Rows, table: str, given: Mapping[Key, Sequence[Came]]) -> Iterator[Row]:
    for event_ns, key in zip(part.event_ns.tolist(), _keys(part, table), strict=True):
        times = given.get(key)
        if times:  # in the order in which it came
            yield Row(event_ns, times[0].at, times[-1].at, times[-1].process.began)


def _keys(part: Rows, table: str) -> list[Key]:
    columns = [_values(part[name]) for name in KEYS[table]]
    if table == "MD":
        columns.insert(0, part.event_ns.tolist())
    if table == "TRADES":
        columns.append(part.event_ns.tolist())
    return list(zip(*columns, strict=True))


def _values(column: np.ndarray) -> list[Any]:
    """The values, with None for a number that was not sent."""
    values = column.tolist()
    if column.dtype.kind == "f" and np.isnan(column).any():
        return [None if value != value else value for value in values]  # only NaN is not itself
    return list(values)
