"""Which trades were received before, where their ids do no more than tell them apart.

Ids with holes that mean nothing, or without any order, cannot be kept as ranges.  A repetition
comes soon after the original, on a new connection or on two that overlap; so the newest ids
of each instrument are remembered, in the order of receipt.

Invariant: of two rows with the same id within `MAX_RECENT_IDS` rows only the first is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.pipeline.order import group_ends, group_starts
from tick_logger.pipeline.plain_state import Plain

MAX_RECENT_IDS = 1_000
"""Per instrument, 100 KB: ten times what any venue sends again, or the trades of a very busy second
or two on connections that overlap."""


class RecentIds:
    """The newest ids of every instrument, as keys in order of receipt."""

    def __init__(self) -> None:
        self._of: dict[int, dict[int, None]] = {}

    def seed(self, instrument: int, ids: Iterable[int]) -> None:
        """Continue from ids that are on disk, oldest first."""
        self._of[instrument] = dict.fromkeys(ids)

    def has(self, instrument: int, trade_id: int) -> bool:
        """Whether it is among them."""
        return trade_id in self._of.get(instrument, {})

    def admit(self, rows: RowBatch) -> npt.NDArray[np.bool_]:
        """Which rows (grouped by instrument) are new."""
        keep = np.ones(len(rows), np.bool_)
        starts = group_starts(rows)
        ends = group_ends(starts, len(rows))
        ids = rows["seq"].tolist()
        heads = rows["instrument"][starts].tolist()
        for instrument, start, end in zip(heads, starts.tolist(), ends.tolist(), strict=True):
            recent = self._of.setdefault(instrument, {})
            known, part = len(recent), ids[start : end + 1]
            recent.update(dict.fromkeys(part))
            new = len(recent) - known
            if new < len(part):
                # New keys of a dictionary are its last ones.
                first = _first_of_each(part, set(islice(reversed(recent), new)))
                assert sum(first) == new, "an id is new once"
                keep[start : end + 1] = first
            if len(recent) > 2 * MAX_RECENT_IDS:  # not each time: it costs a new dictionary
                self._of[instrument] = _newest(recent)
        return keep

    def dump(self) -> Plain:
        """The ids of all instruments one after the other, and how many each has."""
        every = [_newest(recent) for recent in self._of.values()]
        return {
            "instrument": np.array(list(self._of), np.int64),
            "count": np.array([len(recent) for recent in every], np.int64),
            "ids": np.array([each for recent in every for each in recent], np.uint64),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned."""
        ids, start = state["ids"].tolist(), 0
        for instrument, count in zip(
            state["instrument"].tolist(), state["count"].tolist(), strict=True
        ):
            self.seed(instrument, ids[start : start + count])
            start += count
        assert start == len(ids), "ids that belong to no instrument"


def _first_of_each(ids: list[int], new: set[int]) -> list[bool]:
    """Where each of the new ids comes for the first time; `new` is used up."""
    first = []
    for each in ids:
        first.append(each in new)
        new.discard(each)
    return first


def _newest(recent: dict[int, None]) -> dict[int, None]:
    return dict.fromkeys(islice(recent, max(len(recent) - MAX_RECENT_IDS, 0), None))
