"""One chain of updates: what each is after those before it, and breaks that late ones may mend.

    update -> joins | came before | does not join: a break -> (filled by late updates) mended

Invariant: the chain goes on behind a break, so that each is found once.

Pure.  Not here: what is done about a break (`sequence`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from tick_logger.exchanges.base import BookLink
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Lapse, MissingIds
from tick_logger.model.tables import Table
from tick_logger.net.connection.following import Judgement

MOST_LATE = 1_000
"""Updates of one book that are remembered while it has a break: more than come in a second."""


def judge(last_id: int, link: BookLink) -> Judgement:
    """What an update is that comes after the one with `last_id`.

    It names its predecessor, or else its ids must join.
    """
    if link.previous_id is not None:
        if link.previous_id == last_id:
            return Judgement.RESET if link.last_id < last_id else Judgement.OK
        if link.last_id == last_id:
            return Judgement.DUPLICATE
        return Judgement.OUT_OF_ORDER if link.last_id < last_id else Judgement.GAP
    if link.first_id > last_id + 1:
        return Judgement.GAP
    if link.last_id > last_id:
        return Judgement.OK
    return Judgement.DUPLICATE if link.last_id == last_id else Judgement.OUT_OF_ORDER


@attrs.frozen
class Break:
    """An update that came at `at_ns` did not join the one with id `after_id`, but `before_id`."""

    hole: MissingIds | Lapse
    after_id: int
    before_id: int
    at_ns: int


class Chain:
    """The updates of one book, from the one with `last_id` on, which came at `last_ns`."""

    def __init__(self, last_id: int, last_ns: int) -> None:
        self.last_id = last_id
        self._whole_from = last_id  # all updates since the one with this id have come, in a chain
        self._last_ns = last_ns
        self.breaks: list[Break] = []
        self._late: dict[int, int] = {}  # of updates out of order: which ids lead to which

    def follow(self, link: BookLink, recv_ns: int) -> tuple[Judgement, list[Break]]:
        """What an update is, and the breaks that it makes, or that it mends if it is late."""
        judgement = judge(self.last_id, link)
        if judgement is Judgement.OUT_OF_ORDER:
            return judgement, self._mended(link) if self.breaks else []
        if judgement is Judgement.DUPLICATE:
            return judgement, []
        found = []
        if judgement is Judgement.GAP:
            hole = self._hole(link, recv_ns)
            found = [Break(hole, self.last_id, _before(link), recv_ns)]
            self.breaks += found
            self._whole_from = _before(link)
        self.last_id, self._last_ns = link.last_id, recv_ns
        return judgement, found

    def has(self, after_id: int, before_id: int) -> bool:
        """Whether all updates between these two have come here, or there is none."""
        return self._whole_from <= after_id and before_id <= self.last_id

    def forgive(self, breaks: Sequence[Break]) -> None:
        """What was missing here has come elsewhere."""
        self.breaks = [each for each in self.breaks if each not in breaks]
        if not self.breaks:
            self._late.clear()

    def take_breaks(self) -> list[Break]:
        """Those that nothing has mended, which are given up."""
        breaks, self.breaks = self.breaks, []
        self._late.clear()
        return breaks

    def _mended(self, link: BookLink) -> list[Break]:
        if len(self._late) < MOST_LATE:
            self._late[_before(link)] = link.last_id
        mended = [each for each in self.breaks if self._leads(each.after_id, each.before_id)]
        self.breaks = [each for each in self.breaks if each not in mended]
        if not self.breaks:
            self._late.clear()
        return mended

    def _leads(self, from_id: int, to_id: int) -> bool:
        """Whether the late updates join from the one id to the other."""
        for _ in range(len(self._late)):
            if from_id not in self._late:
                return False
            from_id = self._late[from_id]
            if from_id == to_id:
                return True
        return False

    def _hole(self, link: BookLink, recv_ns: int) -> MissingIds | Lapse:
        """What is told to be missing; it may come late."""
        first, last = self.last_id + 1, link.first_id - 1
        bracket = self._last_ns, recv_ns, Cause.SEQUENCE
        if first <= last:
            ids = link.instrument, Table.BOOK, first, last
            return MissingIds(*ids, *bracket, doubt=Doubt.OPEN)
        return Lapse((link.instrument,), (Table.BOOK,), *bracket, doubt=Doubt.OPEN)


def _before(link: BookLink) -> int:
    """The id of the update that one follows."""
    return link.first_id - 1 if link.previous_id is None else link.previous_id
