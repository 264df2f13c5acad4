"""Whether the order books of one connection hang together, and which need a new snapshot.

Where a venue numbers its book updates as a chain, the first update of a book asks for a snapshot
by REST, a break in the chain is a proven hole and asks for another, and a snapshot that is older
than the first update held does not help.  Where snapshots come on the socket there is nothing to
follow.

Pure: it decides, `net.rest.snapshots` fetches.
"""

from __future__ import annotations

import attrs

from tick_logger.exchanges.base import BookLink
from tick_logger.model.cause import Cause
from tick_logger.model.marks import AwaitSnapshot, Mark, MissingIds
from tick_logger.model.tables import Table


@attrs.define
class _Chain:
    first_id: int  # of the first update since the last break
    last_id: int
    last_ns: int
    awaiting: bool = True


class BookSync:
    """The chains of one connection's books."""

    def __init__(self) -> None:
        self._chains: dict[int, _Chain] = {}

    def link(self, link: BookLink, recv_ns: int) -> tuple[list[Mark], bool]:
        """Follow one update; returns marks, and whether a snapshot must be fetched now."""
        chain = self._chains.get(link.instrument)
        if chain is None:
            self._chains[link.instrument] = _Chain(link.first_id, link.last_id, recv_ns)
            return [AwaitSnapshot(link.instrument, recv_ns)], True
        marks: list[Mark] = []
        broken = link.first_id > chain.last_id + 1
        if broken:
            marks.append(
                MissingIds(
                    link.instrument,
                    Table.BOOK,
                    chain.last_id + 1,
                    link.first_id - 1,
                    chain.last_ns,
                    recv_ns,
                    Cause.SEQUENCE,
                )
            )
            chain.first_id = link.first_id
        chain.last_id = max(chain.last_id, link.last_id)
        chain.last_ns = recv_ns
        if not broken or chain.awaiting:
            return marks, False
        chain.awaiting = True
        return [*marks, AwaitSnapshot(link.instrument, recv_ns)], True

    def accepts(self, instrument: int, snapshot_id: int) -> bool:
        """Whether a snapshot as of this update id joins the updates held; notes it if so."""
        chain = self._chains.get(instrument)
        if chain is None or snapshot_id + 1 < chain.first_id:
            return False
        chain.awaiting = False
        return True

    def given_up(self, instrument: int) -> None:
        """The snapshot asked for will not come: the next break asks again."""
        if instrument in self._chains:
            self._chains[instrument].awaiting = False

    def awaits(self, instrument: int) -> bool:
        """Whether a snapshot of this book would be of use."""
        chain = self._chains.get(instrument)
        return chain is not None and chain.awaiting

    def drop(self, instrument: int) -> None:
        """The book is no longer subscribed."""
        self._chains.pop(instrument, None)
