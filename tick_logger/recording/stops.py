"""What was not recorded because the program was stopped in order, apart from all other holes.

The records on disk are what they are for any hole; here they are summed up for people, to whom a
stop and start that they asked for is no fault.
"""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.model.flush import GapRecord
from tick_logger.model.stops import in_words
from tick_logger.model.times import NS_PER_SECOND
from tick_logger.telemetry.metrics import Metrics


class Stops:
    """The symbols, and for how long, of one run: it follows one stop.

    That is what its shortest hole says: others reach to the next row, however late that came.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._symbols: dict[str, set[int]] = {}
        self._secs: dict[str, float] = {}

    def count(self, exchange: str, holes: Sequence[GapRecord]) -> dict[str, object]:
        """Count these of one exchange; returns all of it so far, as keys of a log line."""
        symbols = self._symbols.setdefault(exchange, set())
        symbols.update(hole.instrument for hole in holes)
        known = [
            (hole.to_ns - hole.from_ns) / NS_PER_SECOND
            for hole in holes
            if hole.to_ns is not None and hole.from_ns is not None
        ]
        if exchange in self._secs:
            known.append(self._secs[exchange])
        if known:
            self._secs[exchange] = min(known)
        secs = self._secs.get(exchange, 0.0)
        numbers = self._metrics.exchange(exchange)
        numbers.stopped_symbols.set(len(symbols))
        numbers.stopped_seconds.set(secs)
        return {"symbols": len(symbols), "secs": round(secs, 3)}

    @property
    def words(self) -> str:
        """All of it in a sentence; empty if nothing was missed so."""
        symbols = sum(map(len, self._symbols.values()))
        return in_words(symbols, max(self._secs.values(), default=0.0))
