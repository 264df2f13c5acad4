"""What the pipeline remembers of each stream of one table, as arrays indexed by instrument.

Arrays let a whole batch of many streams be compared with its past in a few numpy calls.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tick_logger.model.tables import NO_TIME

FIRST_SIZE = 256  # instruments; doubles when exceeded


class StreamStates:
    """Per instrument: whether it was met before; the newest key released, seen, found on disk."""

    def __init__(self) -> None:
        self.known: npt.NDArray[np.bool_] = np.zeros(FIRST_SIZE, np.bool_)
        self.released_event: npt.NDArray[np.int64] = np.full(FIRST_SIZE, NO_TIME, np.int64)
        self.released_seq: npt.NDArray[np.uint64] = np.zeros(FIRST_SIZE, np.uint64)
        self.seen_event: npt.NDArray[np.int64] = np.full(FIRST_SIZE, NO_TIME, np.int64)
        self.seen_seq: npt.NDArray[np.uint64] = np.zeros(FIRST_SIZE, np.uint64)
        self.disk_event: npt.NDArray[np.int64] = np.full(FIRST_SIZE, NO_TIME, np.int64)
        self.disk_seq: npt.NDArray[np.uint64] = np.zeros(FIRST_SIZE, np.uint64)

    def reserve(self, instruments: int) -> None:
        """Make room for instruments 0 to `instruments` - 1."""
        missing = instruments - len(self.known)
        if missing <= 0:
            return
        extra = max(missing, len(self.known))
        self.known = np.append(self.known, np.zeros(extra, np.bool_))
        self.released_event = np.append(self.released_event, np.full(extra, NO_TIME, np.int64))
        self.released_seq = np.append(self.released_seq, np.zeros(extra, np.uint64))
        self.seen_event = np.append(self.seen_event, np.full(extra, NO_TIME, np.int64))
        self.seen_seq = np.append(self.seen_seq, np.zeros(extra, np.uint64))
        self.disk_event = np.append(self.disk_event, np.full(extra, NO_TIME, np.int64))
        self.disk_seq = np.append(self.disk_seq, np.zeros(extra, np.uint64))
