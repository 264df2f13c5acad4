"""What the pipeline remembers of each stream of one table, as arrays indexed by instrument.

Arrays let a whole batch of many streams be compared with its past in a few numpy calls.
"""

from __future__ import annotations

import attrs
import numpy as np
import numpy.typing as npt

from tick_logger.model.flush import StreamTail
from tick_logger.model.proof import Ids
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import NO_TIME
from tick_logger.pipeline.plain_state import Plain

FIRST_SIZE = 256  # instruments; doubles when exceeded


def _flags() -> npt.NDArray[np.bool_]:
    return np.zeros(FIRST_SIZE, np.bool_)


def _times() -> npt.NDArray[np.int64]:
    return np.full(FIRST_SIZE, NO_TIME, np.int64)


def _ids() -> npt.NDArray[np.uint64]:
    return np.zeros(FIRST_SIZE, np.uint64)


@attrs.define(eq=False)
class StreamStates:
    """Per instrument, the time and id of the newest row released, seen, and found on disk.

    `known` says whether this process has used the stream; "on disk" are the rows that processes
    before it left.  `seen_event` is the newest time seen, `seen_seq` the id of the last row in
    order of time: not the largest, because ids begin again.  Its own times are `last_event` and
    `last_recv`, which a snapshot, or a row that comes late, leaves alone.  `seen_content` stands
    for the prices of the newest ticker or quote seen, 0 where they are not known.  `untimed` marks
    instruments whose rows came without a time of their own, and `mixed` those of them where ids
    beyond the newest may still come again, because they have begun again.  `updated` marks books of
    which updates with ids have come, not snapshots alone.  `sparse` marks
    instruments whose ids of trades have holes that mean nothing, and `opaque` those of them whose
    ids give no order either (`model.proof`).
    """

    known: npt.NDArray[np.bool_] = attrs.field(init=False, factory=_flags)
    released_event: npt.NDArray[np.int64] = attrs.field(init=False, factory=_times)
    released_seq: npt.NDArray[np.uint64] = attrs.field(init=False, factory=_ids)
    seen_event: npt.NDArray[np.int64] = attrs.field(init=False, factory=_times)
    seen_seq: npt.NDArray[np.uint64] = attrs.field(init=False, factory=_ids)
    seen_content: npt.NDArray[np.uint64] = attrs.field(init=False, factory=_ids)
    last_event: npt.NDArray[np.int64] = attrs.field(init=False, factory=_times)
    last_recv: npt.NDArray[np.int64] = attrs.field(init=False, factory=_times)
    untimed: npt.NDArray[np.bool_] = attrs.field(init=False, factory=_flags)
    mixed: npt.NDArray[np.bool_] = attrs.field(init=False, factory=_flags)
    updated: npt.NDArray[np.bool_] = attrs.field(init=False, factory=_flags)
    disk_event: npt.NDArray[np.int64] = attrs.field(init=False, factory=_times)
    disk_seq: npt.NDArray[np.uint64] = attrs.field(init=False, factory=_ids)
    sparse: npt.NDArray[np.bool_] = attrs.field(init=False, factory=_flags)
    opaque: npt.NDArray[np.bool_] = attrs.field(init=False, factory=_flags)
    _used: int = attrs.field(init=False, default=0)  # instruments beyond it have no state

    @property
    def used(self) -> npt.NDArray[np.int32]:
        """The instruments of which this process, or one before, has recorded something."""
        return np.flatnonzero(self.known | (self.released_event != NO_TIME)).astype(np.int32)

    def reserve(self, instruments: int) -> None:
        """Make room for instruments 0 to `instruments` - 1."""
        self._used = max(self._used, instruments)
        missing = instruments - len(self.known)
        if missing <= 0:
            return
        extra = max(missing, len(self.known))
        for name in _ARRAYS:
            array = getattr(self, name)
            absent = NO_TIME if array.dtype == np.int64 else 0
            setattr(self, name, np.append(array, np.full(extra, absent, array.dtype)))
        lengths = {len(getattr(self, name)) for name in _ARRAYS}
        assert lengths == {len(self.known)}, "an array did not grow with the others"

    def continue_from(self, instrument: int, tail: StreamTail) -> None:
        """Begin a stream with its end on disk."""
        assert instrument < self._used, "no room was reserved, so that a dump would leave it out"
        for event in (self.released_event, self.seen_event, self.last_event, self.disk_event):
            event[instrument] = tail.last_event_ns
        self.last_recv[instrument] = tail.last_recv_ns
        for seq in (self.released_seq, self.seen_seq, self.disk_seq):
            seq[instrument] = 0 if self.opaque[instrument] else tail.last_seq
        self.seen_content[instrument] = 0

    def number(self, instrument: int, ids: Ids) -> None:
        """Note of which kind the ids of an instrument's trades are."""
        self.sparse[instrument] = ids in {Ids.SPARSE, Ids.OPAQUE}
        self.opaque[instrument] = ids is Ids.OPAQUE

    def note_untimed(self, rows: RowBatch) -> None:
        """Note the instruments of rows that came without an event time."""
        untimed = rows["event_ns"] == NO_TIME
        if untimed.any():
            self.untimed[rows["instrument"][untimed]] = True

    def count_as_on_disk(self) -> None:
        """Take the rows released so far for those that an earlier process left on disk."""
        self.disk_event = self.released_event.copy()
        self.disk_seq = self.released_seq.copy()

    def dump(self) -> Plain:
        """The arrays, cut to the instruments in use."""
        return {name: getattr(self, name)[: self._used].copy() for name in _ARRAYS}

    def load(self, state: Plain) -> None:
        """Take over the state that `dump` returned; only while nothing else was noted here."""
        self.reserve(len(state["known"]))
        # Earlier versions took the largest id for the last one, and the newest time for its own.
        known = {"last_event": state["seen_event"]} | state
        for name in _ARRAYS:
            if name in known:
                assert len(known[name]) == self._used, "an array of another length"
                getattr(self, name)[: self._used] = known[name]
        assert not (self.opaque & ~self.sparse).any(), "where ids give no order, holes mean nothing"


_ARRAYS = [field.name for field in attrs.fields(StreamStates) if field.name != "_used"]
