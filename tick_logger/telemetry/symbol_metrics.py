"""Numbers by exchange, symbol and feed, where that is wanted; made into text when asked for.

Counted with each flush, by stream and not by message.  There are thousands of these numbers, so
they are in no registry that is read each second, and of at most `MOST_STREAMS` streams; how many
are beyond that is a number of its own.  The label `pair` follows from exchange and symbol, so it
makes no more series; it is left out where nobody says what a symbol is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

import attrs
import numpy as np

from tick_logger.model.rows import RowBatch
from tick_logger.model.symbols import PairOf
from tick_logger.model.tables import FEED_OF, FLAG_SNAPSHOT, Table
from tick_logger.telemetry.families import PREFIX

MOST_STREAMS = 20_000
"""Symbols times feeds: all of the eight exchanges with two feeds each.  Prometheus keeps six series
for each, and would not thank for more."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Stream = tuple[str, str, str]
"""Exchange, symbol, feed."""

Connected = Callable[[], Iterable[tuple[Stream, bool]]]
"""The streams that are to be recorded, and whether a connection is open that carries each."""


@attrs.define
class _Numbers:
    rows: int = 0
    newest_ns: int = 0
    delayed: int = 0
    delay_secs: float = 0.0
    gaps: int = 0


_FAMILIES: tuple[tuple[str, str, str, Callable[[_Numbers], float]], ...] = (
    ("symbol_rows_written_total", "counter", "Rows written, by symbol", lambda of: of.rows),
    (
        "symbol_last_message_timestamp_seconds", "gauge",
        "Unix time of the newest row written, by symbol", lambda of: of.newest_ns / 1e9,
    ),
    (
        "symbol_latency_seconds_sum", "counter",
        "Seconds from the exchange's time of an event to its receipt, of all rows together",
        lambda of: of.delay_secs,
    ),
    (
        "symbol_latency_seconds_count", "counter", "Rows of which that is known",
        lambda of: of.delayed,
    ),
    (
        "symbol_sequence_gaps_total", "counter", "Holes written to the gaps files, by symbol",
        lambda of: of.gaps,
    ),
)  # fmt: skip
_CONNECTED = f"{PREFIX}symbol_connected"
_BEYOND = f"{PREFIX}symbol_streams_beyond"


class SymbolMetrics:
    """Counts by stream; in the text format of Prometheus on demand."""

    def __init__(self) -> None:
        self._of: dict[Stream, _Numbers] = {}
        self._beyond: set[Stream] = set()
        self.connected: Connected = lambda: ()
        self.pair_of: PairOf = lambda _exchange, _symbol: None

    def count(self, exchange: str, symbol: str, rows: RowBatch, *, in_order: bool) -> None:
        """These rows were written; only of those in order the delay says something."""
        numbers = self._numbers((exchange, symbol, FEED_OF[rows.table]))
        if numbers is None or not len(rows):
            return
        event_ns, recv_ns = rows["event_ns"], rows["recv_ns"]
        numbers.rows += len(rows)
        numbers.newest_ns = max(numbers.newest_ns, int(recv_ns.max()))
        if not in_order:
            return
        known = event_ns != recv_ns  # or the one stands in for the other
        if rows.table is Table.BOOK:
            known &= (rows["flags"] & FLAG_SNAPSHOT) == 0
        late_ns = np.maximum(recv_ns - event_ns, 0)[known]
        numbers.delayed += len(late_ns)
        numbers.delay_secs += float(late_ns.sum()) / 1e9

    def count_gap(self, exchange: str, symbol: str, table: Table) -> None:
        """A hole was written."""
        numbers = self._numbers((exchange, symbol, FEED_OF[table]))
        if numbers is not None:
            numbers.gaps += 1

    def text(self, exchanges: Collection[str] | None = None) -> bytes:
        """Those of these exchanges (None: all), as a scrape takes them."""
        return ("\n".join(self._lines(exchanges)) + "\n").encode()

    def _numbers(self, stream: Stream) -> _Numbers | None:
        found = self._of.get(stream)
        if found is None and len(self._of) >= MOST_STREAMS:
            if len(self._beyond) < MOST_STREAMS:
                self._beyond.add(stream)
            return None
        return self._of.setdefault(stream, _Numbers())

    def _lines(self, exchanges: Collection[str] | None) -> Iterator[str]:
        shown = {s: of for s, of in self._of.items() if exchanges is None or s[0] in exchanges}
        labels = {stream: self._labels(stream) for stream in shown}
        for name, kind, text, value in _FAMILIES:
            yield from _head(PREFIX + name, kind, text)
            for stream, numbers in shown.items():
                yield f"{PREFIX}{name}{labels[stream]} {value(numbers)}"
        yield from _head(_CONNECTED, "gauge", "1 while a connection is open that carries it")
        for number, (stream, is_open) in enumerate(self.connected()):
            if number >= MOST_STREAMS:
                break
            if exchanges is not None and stream[0] not in exchanges:
                continue
            yield f"{_CONNECTED}{labels.get(stream) or self._labels(stream)} {int(is_open)}"
        yield from _head(_BEYOND, "gauge", "Streams that are not among these numbers")
        beyond = [each for each in self._beyond if exchanges is None or each[0] in exchanges]
        yield f"{_BEYOND} {len(beyond)}"

    def _labels(self, stream: Stream) -> str:
        exchange, symbol, feed = stream
        parts = {"exchange": exchange, "feed": feed, "symbol": symbol}
        if pair := self.pair_of(exchange, symbol):
            parts["pair"] = pair
        shown = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in parts.items())
        return f"{{{shown}}}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
