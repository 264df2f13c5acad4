"""What a way of following the books of one connection has in common with the others.

The ways are `book_ranges` and `sequence`; `books` chooses between them, and nothing else needs to
know which it is.  Pure.
"""

from __future__ import annotations

import abc
import enum
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar, Final, TypeAlias

import attrs

from tick_logger.exchanges.base import BookBroken, BookLink, BookSnapshot, BookTexts
from tick_logger.model.marks import Mark

BookEvent: TypeAlias = BookLink | BookTexts | BookSnapshot | BookBroken
"""What a message says of a book beside its rows."""


class Judgement(enum.Enum):
    """What one message is in its sequence."""

    OK = "ok"
    DUPLICATE = "duplicate"
    OUT_OF_ORDER = "out_of_order"
    RESET = "reset"
    GAP = "gap"


@attrs.frozen
class Verdict:
    """What follows from a message of a book."""

    marks: tuple[Mark, ...] = ()
    broken: frozenset[int] = frozenset()
    """Instruments whose books must be subscribed again."""
    fetch: frozenset[int] = frozenset()
    """Instruments whose snapshots must be fetched by REST."""
    doubtful: frozenset[int] = frozenset()
    """Instruments of which something is missing that may come late: they are to be settled soon."""


NOTHING: Final = Verdict()


class BookFollower(abc.ABC):
    """Follows every book of one connection from message to message; books are instruments here."""

    mended_by_updates: ClassVar[bool]
    """Whether the next update shows what a book lacks, and leads to what mends it."""

    def __init__(self) -> None:
        self.judged: Counter[Judgement] = Counter()
        """How many messages were found to be what, where a way of following counts that."""

    @abc.abstractmethod
    def hear(self, event: BookEvent, recv_ns: int) -> Verdict:
        """Follow one message."""

    @abc.abstractmethod
    def drop(self, instrument: int) -> None:
        """Forget the book: it is no longer subscribed, or begins anew."""

    def settle(self, instrument: int) -> Verdict:
        """A book that was doubtful is so no longer: what has not come is missing."""
        return NOTHING

    def granted(self, instrument: int, since_ns: int) -> None:
        """The subscription is live, and its snapshot, which will come on it, has not come yet.

        Messages of the book may have come since `since_ns`.
        """
        return

    def awaits(self, instrument: int) -> bool:
        """Whether a REST snapshot of this book would be of use."""
        return False

    def accepts(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a REST snapshot as of this id joins the updates received."""
        return False

    def taken(self, instrument: int, snapshot_id: int, at_ns: int) -> None:
        """A REST snapshot that joins is in the stream."""
        return

    def expect(self, instrument: int, *, in_time: bool) -> None:
        """A REST snapshot is asked for now; `in_time`: while rows wait for the one before."""
        return

    def goes_on(self, instrument: int) -> bool:
        """Whether a book that was interrupted needs no snapshot by REST to be right."""
        return True

    def take_over(self, ended: BookFollower, instruments: Sequence[int]) -> list[Mark]:
        """Another connection has ended, which followed these books as well."""
        return []

    def end(self) -> None:
        """The connection has ended."""
        return

    def given_up(self, instrument: int) -> None:
        """The REST snapshot of this book will not come."""
        return
