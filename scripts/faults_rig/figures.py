"""The arithmetic of the table: what was traded, against what is recorded and what is said of it.

Pure; trades are told apart by id alone.  What counts are the trades from the first that was
recorded on; trading has ended some seconds before the recorder did, so that nothing is on its way.
A hole that is known by receive times alone names the trades that were made between the last row
received before it and the first received after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FROM_REST = 2
"""The origin of a row that was fetched afterwards."""


@attrs.frozen(eq=False)
class Truth:
    """All trades of one symbol, in the order in which they were made.

    `ids` uint64, `told` bool: whether it was sent on a connection that was subscribed.
    """

    ids: Array
    told: Array


@attrs.frozen
class Hole:
    """What a gaps file says is missing: ids, first and last, where known; else receive times.

    `to_ns` is None while it is open.
    """

    from_ns: int
    to_ns: int | None
    ids: tuple[int, int] | None = None


@attrs.frozen(eq=False)
class Recorded:
    """Rows on disk, in any order: `ids` uint64, `recv_ns` int64, `origin` uint8; and the holes."""

    ids: Array
    recv_ns: Array
    origin: Array
    holes: Sequence[Hole] = ()


@attrs.frozen
class Figures:
    """One row of the table, in trades; `healed_secs` is None where nothing was healed."""

    sent: int
    recorded: int
    missing: int
    proven: int  # of these missing, those that a gap record names
    false: int  # recorded, and said to be missing
    healed: int  # recorded only because they were fetched afterwards
    healed_secs: float | None
    wrong: int  # recorded twice, or never made

    @property
    def untold(self) -> int:
        """Missing, and nobody says so."""
        return self.missing - self.proven

    def as_dict(self) -> Mapping[str, float | None]:
        """For JSON."""
        return attrs.asdict(self) | {"untold": self.untold}


def compare(truth: Truth, recorded: Recorded, over_ns: int) -> Figures:
    """The row of one venue and fault; `over_ns` is when the world was well again."""
    present = np.isin(truth.ids, recorded.ids)
    counted = np.arange(len(present)) >= _first(present)
    missing = counted & ~present
    fetched = np.isin(truth.ids, recorded.ids[recorded.origin == FROM_REST]) & counted
    healed_ns = recorded.recv_ns[np.isin(recorded.ids, truth.ids[fetched])]
    return Figures(
        sent=int(counted.sum()),
        recorded=int((counted & present).sum()),
        missing=int(missing.sum()),
        proven=int((missing & _named(truth, recorded)).sum()),
        false=_false(recorded),
        healed=int(fetched.sum()),
        healed_secs=max(0, int(healed_ns.max()) - over_ns) / 1e9 if len(healed_ns) else None,
        wrong=len(recorded.ids) - len(np.intersect1d(recorded.ids, truth.ids)),
    )


def _first(present: Array) -> int:
    """Where the first recorded trade stands; behind all, if none was."""
    return int(np.argmax(present)) if present.any() else len(present)


def _named(truth: Truth, recorded: Recorded) -> Array:
    """Which trades the holes speak of: by id, or where none are known by their place."""
    named = np.zeros(len(truth.ids), np.bool_)
    streamed = recorded.origin != FROM_REST
    order = np.argsort(truth.ids, kind="stable")
    found = np.searchsorted(truth.ids, recorded.ids[streamed], sorter=order)
    places, recv_ns = order[np.minimum(found, len(order) - 1)], recorded.recv_ns[streamed]
    for hole in recorded.holes:
        if hole.ids is not None:
            named |= (truth.ids >= hole.ids[0]) & (truth.ids <= hole.ids[1])
            continue
        before = places[recv_ns <= hole.from_ns]
        since = int(before.max()) + 1 if len(before) else 0
        after = places[recv_ns >= hole.to_ns] if hole.to_ns is not None else places[:0]
        named[since : int(after.min()) if len(after) else len(named)] = True
    return named


def _false(recorded: Recorded) -> int:
    """Rows that were received all the same: by id, or on the stream at a time within a hole."""
    claimed = np.zeros(len(recorded.ids), np.bool_)
    for hole in recorded.holes:
        if hole.ids is not None:
            claimed |= (recorded.ids >= hole.ids[0]) & (recorded.ids <= hole.ids[1])
        elif hole.to_ns is not None:
            within = (recorded.recv_ns > hole.from_ns) & (recorded.recv_ns < hole.to_ns)
            claimed |= within & (recorded.origin != FROM_REST)
    return int(claimed.sum())
