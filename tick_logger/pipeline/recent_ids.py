"""Which trades were received before, where their ids do no more than tell them apart.

Ids with holes that mean nothing, or without any order, cannot be kept as ranges.  A repetition
comes soon after the original, on a new connection or on two that overlap; so the newest ids
of each instrument are remembered, in the order of receipt.

Ids may begin again: a trade with an id that is remembered, but newer than all that have left the
reorder window, and other than those in it, is another one.  So of each id the time of its newest
trade is remembered: what comes by REST is compared with that.

Invariant: of the same trade twice within `MAX_RECENT_IDS` rows only the first is new.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import numpy as np
import numpy.typing as npt

from tick_logger.model.rows import RowBatch
from tick_logger.model.surroundings import SAME_NS
from tick_logger.model.tables import NO_TIME
from tick_logger.pipeline.id_line import BegunAgain
from tick_logger.pipeline.order import group_ends, group_starts, rows_of
from tick_logger.pipeline.plain_state import Plain
from tick_logger.pipeline.said import repeats
from tick_logger.pipeline.state import StreamStates

MAX_RECENT_IDS = 1_000
"""Per instrument, 100 KB: ten times what any venue sends again, or the trades of a very busy second
or two on connections that overlap."""


class RecentIds:
    """The newest ids of every instrument, as keys in order of receipt, and their event times."""

    def __init__(self) -> None:
        self._of: dict[int, dict[int, int]] = {}

    def seed(self, instrument: int, trades: Iterable[tuple[int, int]]) -> None:
        """Continue from ids that are on disk, and their times, oldest first."""
        self._of[instrument] = dict(trades)

    def has(self, instrument: int, trade_id: int) -> bool:
        """Whether an id is among them."""
        return trade_id in self._of.get(instrument, {})

    def has_trade(self, instrument: int, trade_id: int, event_ns: int) -> bool:
        """Whether a trade is among them; where no time is known, by its id alone."""
        known_ns = self._of.get(instrument, {}).get(trade_id)
        if known_ns is None:
            return False
        return known_ns == NO_TIME or abs(known_ns - event_ns) <= SAME_NS

    def admit(
        self, rows: RowBatch, states: StreamStates, held: RowBatch
    ) -> tuple[npt.NDArray[np.bool_], list[BegunAgain]]:
        """Which rows (sorted) are new, given those held, and where ids that rise begin again."""
        keep = np.ones(len(rows), np.bool_)
        found: list[BegunAgain] = []
        starts = group_starts(rows)
        ends = group_ends(starts, len(rows))
        ids, times = rows["seq"].tolist(), rows["event_ns"].tolist()
        heads = rows["instrument"][starts]
        back = np.zeros(len(rows), np.int64)
        back[1:] = rows["seq"][1:] <= rows["seq"][:-1]
        back[starts] = 0
        falling = np.add.reduceat(back, starts) != 0
        rising = ~states.opaque[heads]
        groups = zip(
            heads.tolist(),
            starts.tolist(),
            ends.tolist(),
            falling.tolist(),
            rising.tolist(),
            strict=True,
        )
        for instrument, start, end, falls, rises in groups:
            recent = self._of.setdefault(instrument, {})
            known, part = len(recent), ids[start : end + 1]
            newest = next(reversed(recent), -1)
            before = {each: recent[each] for each in recent.keys() & part}  # as a rule none
            recent.update(zip(part, times[start : end + 1], strict=True))
            new = len(recent) - known
            if new < len(part):
                # New keys of a dictionary are its last ones.
                first = _first_of_each(part, set(islice(reversed(recent), new)))
                assert sum(first) == new, "an id is new once"
                mine = rows.take(slice(start, end + 1))
                others = _others(mine, states.released_event[instrument], held, instrument)
                keep[start : end + 1] = first | others
                recent.update(before)
                for place in np.flatnonzero(keep[start : end + 1]).tolist():
                    if not first[place]:
                        del recent[part[place]]  # the newest is the last
                    recent[part[place]] = times[start + place]
            if rises and (falls or part[0] < newest):
                mine = rows.take(slice(start, end + 1)).take(keep[start : end + 1])
                before_ns = int(states.released_event[instrument])
                found += _begun_again(mine, rows_of(held, instrument), newest, before_ns)
            if len(recent) > 2 * MAX_RECENT_IDS:  # not each time: it costs a new dictionary
                self._of[instrument] = _newest(recent)
        return keep, found

    def dump(self) -> Plain:
        """The ids of all instruments one after the other, and how many each has."""
        every = [_newest(recent) for recent in self._of.values()]
        return {
            "instrument": np.array(list(self._of), np.int64),
            "count": np.array([len(recent) for recent in every], np.int64),
            "ids": np.array([each for recent in every for each in recent], np.uint64),
            "event_ns": np.array([ns for recent in every for ns in recent.values()], np.int64),
        }

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned; earlier versions had no times."""
        ids, start = state["ids"].tolist(), 0
        times = state.get("event_ns", np.full(len(ids), NO_TIME)).tolist()
        for instrument, count in zip(
            state["instrument"].tolist(), state["count"].tolist(), strict=True
        ):
            mine = slice(start, start + count)
            self.seed(instrument, zip(ids[mine], times[mine], strict=True))
            start += count
        assert start == len(ids), "ids that belong to no instrument"


def _first_of_each(ids: list[int], new: set[int]) -> list[bool]:
    """Where each of the new ids comes for the first time; `new` is used up."""
    first = []
    for each in ids:
        first.append(each in new)
        new.discard(each)
    return first


def _others(
    rows: RowBatch, released_ns: np.int64, held: RowBatch, instrument: int
) -> npt.NDArray[np.bool_]:
    """Which rows of an instrument are no trades that came before, whatever their ids."""
    newer = rows["event_ns"] > released_ns
    return newer & ~repeats(rows, rows_of(held, instrument)) if newer.any() else newer


def _begun_again(
    rows: RowBatch, held: RowBatch, newest_id: int, before_ns: int
) -> list[BegunAgain]:
    """Where an id is lower than one before it, though its trade is newer: the first such place."""
    last_id, last_ns, recv_ns = newest_id, before_ns, None
    if len(held):
        last_id, recv_ns = int(held["seq"][-1]), int(held["recv_ns"][-1])
        last_ns = max(last_ns, int(held["event_ns"][-1]))
    columns = (rows[name].tolist() for name in ("instrument", "seq", "event_ns", "recv_ns"))
    for instrument, id_, event, recv in zip(*columns, strict=True):
        if event > last_ns and id_ < last_id:
            return [BegunAgain(instrument, last_id, id_, recv_ns, recv)]
        if event >= last_ns:
            last_id, last_ns, recv_ns = id_, event, recv
    return []


def _newest(recent: dict[int, int]) -> dict[int, int]:
    return dict(islice(recent.items(), max(len(recent) - MAX_RECENT_IDS, 0), None))
