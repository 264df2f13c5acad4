"""Messages by symbol and kind of data, in the six columns that users of another collector have.

Which symbol and kind a message has is what the exchange's decoding says of its rows; one that has
rows of several is in the object of each.  What has no rows is in none: answers to subscriptions,
heartbeats, and what is not understood; how many messages these were is in the result.  So no
journal can be made of this layout.

Times are microseconds since 1970-01-01 UTC; the exchange's is that of the last row of the message,
null where it sends none.  The sequence is the id of that row, as text.

Invariant: memory is bounded by `MOST_BYTES` and the number of symbols.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs
import numpy as np

from tick_logger.archive.jobs import Made, RawJob, Result
from tick_logger.archive.keys import HASH_DIGITS, KINDS, SOURCE, SourceKey, date_text
from tick_logger.archive.open_objects import OpenObject, relieve
from tick_logger.archive.parquet import EXTRA, ObjectWriter
from tick_logger.archive.raw import frames_of
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded
from tick_logger.exchanges.lines import decode_routes
from tick_logger.model.entries import Received
from tick_logger.model.payloads import Payloads
from tick_logger.model.tables import NO_TIME, Table
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.frames import load
from tick_logger.reader.source import Source
from tick_logger.storage.files import Files
from tick_logger.version import __version__

MOST_BYTES = 64 * 1024 * 1024
"""Messages in memory; those of the symbol that has most are written when there are more."""

PIECE_BYTES = 16 * 1024
"""Written at once to one of thousands of files."""

OF_NO_SYMBOL = "messages of no symbol"
NOT_DECODED = "messages that cannot be decoded"

_MIB = 2**20
_MS, _US = 10**6, 10**3

Of: TypeAlias = tuple[str, str, str]
"""Exchange, symbol in lower case, kind of data."""


@attrs.frozen
class Event:
    """One message of one symbol and kind; times in ns."""

    recv_ns: int
    event_ns: int | None
    sequence: str
    payload: bytes


def pack(
    job: RawJob,
    source: Source,
    journal: Files,
    files: Files,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Result:
    """Write the objects of a job; raises `OSError`, and `StorageError` if frames are not there."""
    objects = _Objects(job, files, is_wanted)
    decoder = _Decoder(source)
    for seq, entries in frames_of(job, journal):
        for entry in entries:
            if isinstance(entry, Received) and len(entry.lengths):
                for of, event in decoder.events(entry):
                    objects.take(of, event, seq)
                objects.relieve()
    objects.rotate()
    left_out = {kind: count for kind, count in decoder.left_out.items() if count}
    return Result(tuple(objects.made), left_out)


class _Decoder:
    """Asks each exchange's adapter whose a message is."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._symbols: dict[str, dict[str, int]] = {}
        self.left_out: Counter[str] = Counter()

    def events(self, entry: Received) -> Iterator[tuple[Of, Event]]:
        """The messages of an entry, in order, each for every symbol and kind that it has."""
        symbols = self._symbols_of(entry.exchange)
        for each in entry.defined:
            symbols.setdefault(each.symbol, len(symbols))
        payloads = entry.split()
        decoded = self._decoded(entry, payloads, symbols)
        if decoded is None:
            self.left_out[NOT_DECODED] += len(payloads)
            return
        names = list(symbols)
        received = entry.recv_ns_of_payloads().tolist()
        found = sorted(_last_rows(decoded), key=lambda row: row[0])
        self.left_out[OF_NO_SYMBOL] += len(payloads) - len({row[0] for row in found})
        for frame, instrument, table, event_ns, sequence in found:
            of = (entry.exchange, names[instrument].lower(), KINDS[table])
            at_ns = None if event_ns == NO_TIME else event_ns
            yield of, Event(received[frame], at_ns, str(sequence), payloads[frame])

    def _symbols_of(self, exchange: str) -> dict[str, int]:
        """Numbers for all symbols of which there is anything: they were defined earlier."""
        if exchange not in self._symbols:
            names = self._source.symbols(exchange)
            self._symbols[exchange] = {name: number for number, name in enumerate(names)}
        return self._symbols[exchange]

    def _decoded(
        self, entry: Received, payloads: Payloads, symbols: Mapping[str, int]
    ) -> Decoded | None:
        if not entry.decodable or not registry.knows(entry.exchange):
            return None
        adapter = registry.get(entry.exchange)
        return decode_routes(adapter, payloads, symbols, entry.routes_of_payloads())


def _last_rows(decoded: Decoded) -> Iterator[tuple[int, int, Table, int, int]]:
    """Of each payload, symbol and table: frame, instrument, table; time and id of the last row."""
    for part in decoded.rows:
        columns = (part.frame, part.columns["instrument"], part.columns["event_ns"])
        rows = zip(*(c.tolist() for c in (*columns, part.columns["seq"])), strict=True)
        last = {(row[0], row[1]): row for row in rows}
        for frame, instrument, event_ns, sequence in last.values():
            yield frame, instrument, part.table, event_ns, sequence


class _Objects:
    """The objects of one rotation, and those that are whole."""

    def __init__(self, job: RawJob, files: Files, is_wanted: Callable[[], bool]) -> None:
        self.made: list[Made] = []
        self._job = job
        self._files = files
        self._is_wanted = is_wanted
        self._open: dict[Of, _Object] = {}
        self._slot = (0, 0)
        self._begun = 0

    def take(self, of: Of, event: Event, seq: int) -> None:
        at_ns = event.recv_ns
        slot = (at_ns // NS_PER_DAY, at_ns // (self._job.rotate_secs * NS_PER_SECOND))
        if slot > self._slot:
            self.rotate()
            self._slot = slot
        if of not in self._open:
            self._begun += 1
            name = f"{SOURCE}-{self._job.input_hash[:HASH_DIGITS]}-{self._begun}"
            day = self._slot[0]
            self._open[of] = _Object(self._job, self._files, name, of, day, self._is_wanted)
        self._open[of].add(event, seq)

    def relieve(self) -> None:
        """Keep to the bounds of memory, and of the size of an object."""
        largest = self._job.rotate_mib * _MIB
        for of in relieve(self._open, most_bytes=MOST_BYTES, largest_bytes=largest):
            self._finish(of)

    def rotate(self) -> None:
        """Let everything so far be whole."""
        for of in sorted(self._open):
            self._finish(of)

    def _finish(self, of: Of) -> None:
        self.made.append(self._open.pop(of).finish(len(self.made)))


class _Object(OpenObject[Event]):
    """Messages of one symbol, kind and day."""

    def __init__(
        self,
        job: RawJob,
        files: Files,
        name: str,
        of: Of,
        day: int,
        is_wanted: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._job = job
        self._files = files
        self._name = name
        self._of = of
        self._day = day
        self._is_wanted = is_wanted
        self._first_ns = 0
        self._frames = (0, 0)

    def add(self, event: Event, seq: int) -> None:
        self._first_ns = self._first_ns or event.recv_ns
        self._frames = (self._frames[0] or seq, seq + 1)
        self._rows.append(event)
        self.waiting += len(event.payload) + 100  # what Python needs for it

    def _table(self, rows: list[Event]) -> Any:
        return _table(self._of, rows)

    def _begin(self) -> ObjectWriter:
        exchange, symbol, kind = self._of
        about = {
            "version": __version__,
            "server": self._job.folders.server,
            "exchange": exchange,
            "symbol": symbol,
            "table": kind,
            "day": date_text(self._day),
            "journal": [self._job.first_seq, self._job.next_seq],
        }
        name, wanted = self._name, self._is_wanted
        return ObjectWriter(self._files, name, _schema(), _OPTIONS, about, wanted, PIECE_BYTES)

    def finish(self, number: int) -> Made:
        """The object in its place; it is number `number` of its job."""
        writer = self._whole()
        exchange, symbol, kind = self._of
        server, at_ms = self._job.folders.server, self._first_ns // _MS
        key = str(SourceKey(exchange, symbol, kind, server, self._day, at_ms))
        done = writer.finish(lambda _: key, lambda _: None)
        return Made(
            self._job.hash_of(number, *self._of, self._day),
            done.key,
            done.sha256,
            done.size,
            done.rows,
            exchange,
            self._day,
            SOURCE,
            frames=self._frames,
        )


_OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 9,
    "use_dictionary": ["exchange", "symbol"],
    "column_encoding": {
        "timestamp_collector": "DELTA_BINARY_PACKED",
        "timestamp_exchange": "DELTA_BINARY_PACKED",
        "exchange_sequence_id": "DELTA_BYTE_ARRAY",
        "data": "DELTA_LENGTH_BYTE_ARRAY",
    },
}


def _schema() -> Any:
    pa = load("pyarrow", EXTRA)
    return pa.schema(
        [
            ("exchange", pa.string()),
            ("symbol", pa.string()),
            ("exchange_sequence_id", pa.string()),
            ("timestamp_collector", pa.int64()),
            ("timestamp_exchange", pa.int64()),
            ("data", pa.string()),
        ]
    )


def _table(of: Of, events: list[Event]) -> Any:
    pa = load("pyarrow", EXTRA)
    exchange, symbol, _ = of
    sent = [None if each.event_ns is None else each.event_ns // _US for each in events]
    return pa.table(
        [
            pa.array([exchange] * len(events), pa.string()),
            pa.array([symbol] * len(events), pa.string()),
            pa.array([each.sequence for each in events], pa.string()),
            pa.array(np.array([each.recv_ns // _US for each in events], np.int64)),
            pa.array(sent, pa.int64()),
            pa.array([each.payload for each in events], pa.binary()).cast(pa.string()),
        ],
        schema=_schema(),
    )
