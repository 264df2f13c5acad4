"""Books whose updates carry ranges of ids that join, and whose snapshots are fetched by REST.

The first update of a book asks for a snapshot.  Ids that do not join are a proven hole, and ask for
another snapshot.  A snapshot joins if it is not older than the first update since the last hole.

Pure: `rest.snapshots` fetches.
"""

from __future__ import annotations

from typing import ClassVar

import attrs

from tick_logger.exchanges.base import BookBroken, BookLink
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.following import NOTHING, BookEvent, BookFollower, Verdict


@attrs.define
class _Held:
    """The updates of one book that came since its last hole."""

    first_id: int
    last_id: int
    last_ns: int
    awaiting: bool = True  # a snapshot


class BookRanges(BookFollower):
    """The ranges of one connection's books."""

    mended_by_updates: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._held: dict[int, _Held] = {}

    def hear(self, event: BookEvent, recv_ns: int) -> Verdict:
        """Follow one update; snapshots are judged before they are taken, by `accepts`."""
        if isinstance(event, BookBroken):
            return self.broken(event.instrument, recv_ns)
        return self.link(event, recv_ns) if isinstance(event, BookLink) else NOTHING

    def broken(self, instrument: int, recv_ns: int) -> Verdict:
        """An update was not understood: its ids are not known, so that the next begins anew.

        That one asks for a snapshot; an older one would be of no use.
        """
        if self._held.pop(instrument, None) is None:
            return NOTHING
        return Verdict((AwaitSnapshot(instrument, recv_ns),))

    def link(self, link: BookLink, recv_ns: int) -> Verdict:
        """Whether an update joins those before it."""
        number = link.instrument
        held = self._held.get(number)
        if held is None:
            self._held[number] = _Held(link.first_id, link.last_id, recv_ns)
            return Verdict((AwaitSnapshot(number, recv_ns),), fetch=frozenset((number,)))
        before_id, before_ns = held.last_id, held.last_ns
        held.last_id, held.last_ns = max(before_id, link.last_id), recv_ns
        if link.first_id <= before_id + 1:
            return NOTHING
        held.first_id = link.first_id
        hole = MissingIds(
            number, Table.BOOK, before_id + 1, link.first_id - 1, before_ns, recv_ns, Cause.SEQUENCE
        )
        if held.awaiting:
            return Verdict((hole,))
        held.awaiting = True
        return Verdict((hole, AwaitSnapshot(number, recv_ns)), fetch=frozenset((number,)))

    def accepts(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a snapshot as of this update id joins the updates held; if so, it is taken."""
        held = self._held.get(instrument)
        if held is None or snapshot_id + 1 < held.first_id:
            return False
        held.awaiting = False
        return True

    def given_up(self, instrument: int) -> None:
        """The snapshot asked for will not come: the next hole asks again."""
        if instrument in self._held:
            self._held[instrument].awaiting = False

    def awaits(self, instrument: int) -> bool:
        """Whether a snapshot of this book would be of use."""
        held = self._held.get(instrument)
        return held is not None and held.awaiting

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed."""
        self._held.pop(instrument, None)
