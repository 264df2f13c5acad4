"""Interruptions of streams with dense ids that are over, until ids have told what they have cost.

They are kept as possible causes of holes, also after that.  Not here: interruptions in progress,
and what is recorded (`gaps`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tick_logger.model.cause import Cause
from tick_logger.model.flush import OpenHole
from tick_logger.pipeline.outages import Outage, Stream

MAX_PAST_OUTAGES = 16
"""Per stream of dense ids: how many past interruptions are kept as possible causes."""


class PastOutages:
    """Those of all streams, the oldest of each first.

    `complete_until_ns` gives the receive time up to which a stream's ids prove what is missing.
    """

    def __init__(self, complete_until_ns: Callable[[Stream], int | None]) -> None:
        self._complete_until_ns = complete_until_ns
        self._of: dict[Stream, list[Outage]] = {}

    def of(self, stream: Stream) -> Sequence[Outage]:
        """Those of one stream."""
        return self._of.get(stream, ())

    def add(self, stream: Stream, outage: Outage) -> list[Outage]:
        """Keep one more; returns those that are forgotten for it though nothing is proven."""
        assert outage.to_ns is not None, "it goes on"
        past = self._of.setdefault(stream, [])
        past.append(outage)
        forgotten = [each for each in past[:-MAX_PAST_OUTAGES] if not self._is_proven(stream, each)]
        del past[:-MAX_PAST_OUTAGES]
        return forgotten

    def extend_last(self, stream: Stream, outage: Outage) -> bool:
        """Whether this is one with the last: of the same cause, and no id came in between."""
        assert outage.to_ns is not None, "it goes on"
        for last in self._of.get(stream, [])[-1:]:
            if last.cause is outage.cause and last.proven_ns == outage.proven_ns:
                last.to_ns = max(last.to_ns or outage.to_ns, outage.to_ns)
                return True
        return False

    def take_between(self, stream: Stream, from_ns: int, to_ns: int) -> list[Outage]:
        """Take out those that lie between these times."""
        past = self._of.get(stream, [])
        taken = [each for each in past if each.lies_in(from_ns, to_ns)]
        for outage in taken:
            past.remove(outage)
        return taken

    def take_unproven(self) -> list[tuple[Stream, Outage]]:
        """Take out those that no id came after."""
        taken = []
        for stream, past in list(self._of.items()):
            unproven = [each for each in past if not self._is_proven(stream, each)]
            taken += [(stream, each) for each in unproven]
            for outage in unproven:
                past.remove(outage)
            if not past:
                del self._of[stream]
        return taken

    def awaits_ids(self, hole: OpenHole) -> int | None:
        """When the interruption that made this hole was over, while no id has come after it."""
        stream = (hole.instrument, hole.table)
        ends = [
            each.to_ns
            for each in self._of.get(stream, ())
            if (each.cause, each.from_ns) == (hole.cause, hole.from_ns)
            and each.to_ns is not None
            and not self._is_proven(stream, each)
        ]
        return max(ends, default=None)

    def _is_proven(self, stream: Stream, outage: Outage) -> bool:
        """Whether ids have come since it was over: they join, or the hole in them is found."""
        assert outage.to_ns is not None
        proven_ns = self._complete_until_ns(stream)
        # Nothing moved since it ended: times alone prove little where a clock was set back.
        if proven_ns is None or proven_ns == outage.proven_ns:
            return False
        # What is not understood is an id itself: others must come after it.
        return proven_ns > outage.to_ns - (outage.cause is not Cause.UNDECODABLE)

    def dump(self) -> list[Any]:
        """Each as a list."""
        return [each.dump(stream) for stream, past in self._of.items() for each in past]

    def load(self, state: Iterable[Sequence[Any]]) -> None:
        """Take over what `dump` returned."""
        for stream, outage in map(Outage.load, state):
            self._of.setdefault(stream, []).append(outage)
