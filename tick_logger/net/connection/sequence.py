"""Whether the messages of one connection hang together, by whatever numbers their venue gives them.

    said -> ok | duplicate | out of order | reset | gap -> marks, and books to begin anew

Adapters declare how a loss shows (`BookCheck`, `counts_messages`) and pass on what a message says;
this is the one place that compares it with what came before.  Invariant: a gap is told exactly
once, with the receive times that bracket it, and breaks no other book than its own.

Pure.  Not here: books whose snapshots come by REST (`booksync`), ids of trades (`pipeline`), how a
book begins anew (`session` subscribes again).
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.exchanges.base import (
    BookCheck,
    BookLink,
    BookSnapshot,
    BookTexts,
    Exchange,
)
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Interrupted, Lapse, Mark, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.checksum_book import ChecksumBook, depth_of
from tick_logger.net.intake.arrivals import Streams

Numbers: TypeAlias = npt.NDArray[np.int64]
Times: TypeAlias = npt.NDArray[np.int64]

BEGUN_AGAIN_BEHIND = 1_000
"""A number so far behind the newest, or 0, is no late message: the counter has begun again."""


class Outcome(enum.Enum):
    """What one message is in its sequence."""

    OK = "ok"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    RESET = "reset"
    GAP = "gap"


@attrs.define
class Verdict:
    """What follows from messages: marks for the pipeline, and books that must begin anew."""

    marks: list[Mark] = attrs.field(factory=list)
    broken: set[int] = attrs.field(factory=set)


@attrs.define
class _Chain:
    last_id: int
    last_ns: int


def judge(last_id: int, link: BookLink) -> Outcome:
    """An update after the one with `last_id`, by the ids or by the name of its predecessor."""
    if link.previous_id is not None:
        if link.previous_id == last_id:
            return Outcome.RESET if link.last_id < last_id else Outcome.OK
        if link.last_id == last_id:
            return Outcome.DUPLICATE
        return Outcome.OUT_OF_ORDER if link.last_id < last_id else Outcome.GAP
    if link.first_id > last_id + 1:
        return Outcome.GAP
    if link.last_id > last_id:
        return Outcome.OK
    return Outcome.DUPLICATE if link.last_id == last_id else Outcome.OUT_OF_ORDER


def _judge_number(last: int, number: int) -> Outcome:
    """A message's number after `last`, which it does not follow."""
    if number > last:
        return Outcome.GAP
    if number == last:
        return Outcome.DUPLICATE
    begun_again = number == 0 or last - number >= BEGUN_AGAIN_BEHIND
    return Outcome.RESET if begun_again else Outcome.OUT_OF_ORDER


class Sequences:
    """The books and the message counter of one connection; `outcomes` counts what was found."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._check = exchange.book_check
        self._chains: dict[int, _Chain] = {}
        self._books: dict[int, ChecksumBook] = {}
        self._checked_ns: dict[int, int] = {}  # when a book was last known to be right
        self._count: tuple[int, int] | None = None  # newest number, and when it came
        self.outcomes: Counter[Outcome] = Counter()

    def link(self, link: BookLink, recv_ns: int) -> Verdict:
        """An update of a book whose snapshot came on this connection."""
        chain = self._chains.get(link.instrument)
        if chain is None:  # before the snapshot, or while it is awaited anew
            return Verdict()
        outcome = judge(chain.last_id, link)
        self.outcomes[outcome] += 1
        verdict = Verdict()
        if outcome is Outcome.GAP:
            verdict = self._broken_chain(link, chain, recv_ns)
        if outcome not in (Outcome.DUPLICATE, Outcome.OUT_OF_ORDER):
            chain.last_id, chain.last_ns = link.last_id, recv_ns
        return verdict

    def snapshot(self, snapshot: BookSnapshot, recv_ns: int) -> None:
        """A book begins, or begins anew."""
        chain = self._chains.get(snapshot.instrument)
        again = chain is not None and snapshot.last_id < chain.last_id
        self.outcomes[Outcome.RESET if again else Outcome.OK] += 1
        self._chains[snapshot.instrument] = _Chain(snapshot.last_id, recv_ns)

    def texts(self, said: BookTexts, recv_ns: int) -> Verdict:
        """The levels of a book message, with the checksum of the book after it."""
        number = said.instrument
        if said.snapshot:
            exchange = self._exchange
            depth = depth_of(said.bids, said.asks, exchange.book_depth, exchange.book_depths)
            self._books[number] = ChecksumBook(depth)
            self._checked_ns[number] = recv_ns
        book = self._books.get(number)
        if book is None:
            return Verdict()
        book.apply(said.bids, said.asks)
        if self._exchange.book_checksum(book.bids(), book.asks()) == said.checksum:
            self.outcomes[Outcome.OK] += 1
            self._checked_ns[number] = recv_ns
            return Verdict()
        self.outcomes[Outcome.GAP] += 1
        del self._books[number]
        since = self._checked_ns.pop(number)
        lapse = Lapse((number,), (Table.BOOK,), since, recv_ns, Cause.CHECKSUM)
        return self._begin_anew(number, lapse, recv_ns)

    def counted(self, numbers: Numbers, recv_ns: Times) -> list[tuple[int, int]]:
        """The numbers of messages among all of the connection, with their receive times.

        Returns the times between which messages are missing.
        """
        if not len(numbers):
            return []
        first, last = int(numbers[0]), int(numbers[-1])
        follows = self._count is None or first == self._count[0] + 1
        if follows and last - first == len(numbers) - 1 and (np.diff(numbers) == 1).all():
            self._count = (last, int(recv_ns[-1]))
            return []
        pairs = zip(numbers.tolist(), recv_ns.tolist(), strict=True)
        found = [self._next(number, at_ns) for number, at_ns in pairs]
        return [jump for jump in found if jump is not None]

    def _next(self, number: int, recv_ns: int) -> tuple[int, int] | None:
        before = self._count
        if before is None or number == before[0] + 1:
            self._count = (number, recv_ns)
            return None
        outcome = _judge_number(before[0], number)
        self.outcomes[outcome] += 1
        if outcome in (Outcome.DUPLICATE, Outcome.OUT_OF_ORDER):
            return None
        self._count = (number, recv_ns)
        # Of a counter that began again, too, nobody knows what it left out.
        return before[1], recv_ns

    @staticmethod
    def jumped(
        since_ns: int,
        recv_ns: int,
        streams: Streams,
        books: Sequence[int],
    ) -> Verdict:
        """What follows for a connection with these streams and books if messages are missing."""
        verdict = Verdict([Lapse(*each, since_ns, recv_ns, Cause.SEQUENCE) for each in streams])
        verdict.broken.update(books)
        if books:
            verdict.marks.append(Interrupted(tuple(books), (Table.BOOK,), recv_ns, Cause.RESYNC))
        return verdict

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed, or will begin anew."""
        self._chains.pop(instrument, None)
        self._books.pop(instrument, None)
        self._checked_ns.pop(instrument, None)

    def _broken_chain(self, link: BookLink, chain: _Chain, recv_ns: int) -> Verdict:
        first, last = chain.last_id + 1, link.first_id - 1
        hole: Mark = Lapse(
            (link.instrument,), (Table.BOOK,), chain.last_ns, recv_ns, Cause.SEQUENCE
        )
        if first <= last:
            hole = MissingIds(
                link.instrument, Table.BOOK, first, last, chain.last_ns, recv_ns, Cause.SEQUENCE
            )
        if self._check is BookCheck.COUNTED_ONLY:  # perhaps nothing is missing at all
            return Verdict([hole])
        self.drop(link.instrument)  # its checksum is wrong from here on: the same hole once more
        return self._begin_anew(link.instrument, hole, recv_ns)

    def _begin_anew(self, instrument: int, hole: Mark, recv_ns: int) -> Verdict:
        resync = Interrupted((instrument,), (Table.BOOK,), recv_ns, Cause.RESYNC)
        return Verdict([hole, resync], {instrument})
