"""Everything that the journal holds, as objects by exchange, UTC day of receipt, and rotation.

A row is a message as received, or something else that the journal says, in the journal's order:

    message   one payload: its connection, when it was received, and the bytes
    arrival   a read that gave no payload
    told      what else an entry says (definitions, marks, notes), and
    started, ticked, closed, sealed    the other kinds: the payload is the body of a journal frame

`seq` is the frame, `entry` the place of an entry in it, `arrival` that of a read in an entry (-1:
none).  Entries of no exchange are in the objects of every exchange; (seq, entry) tells them apart.

Invariant: the rows of all objects of a job make the entries of its frames again, exactly
(`raw_rows.entries_of_rows`).  Memory is bounded by `MOST_BYTES`.  Not here: which frames
(`packing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tick_logger.archive.jobs import Made, RawJob, Result
from tick_logger.archive.keys import HASH_DIGITS, RAW, RawKey, date_text, parse
from tick_logger.archive.open_objects import OpenObject, relieve
from tick_logger.archive.parquet import EXTRA, ObjectWriter
from tick_logger.archive.raw_rows import NONE, Rows, rows_of_entry, rows_of_shared
from tick_logger.errors import StorageError
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Entry, Received
from tick_logger.model.times import NS_PER_DAY, NS_PER_SECOND
from tick_logger.reader.frames import load
from tick_logger.storage.files import Files
from tick_logger.version import __version__

GROUP_BYTES = 16 * 1024 * 1024
"""Payloads of a row group: enough for what is alike to lie together."""

MOST_BYTES = 64 * 1024 * 1024
"""Payloads in memory, of all exchanges; the largest group is written when there are more."""

NO_EXCHANGE = "none"
"""In the place of an exchange, where a rotation has nothing of any."""

_MIB = 2**20


def pack(
    job: RawJob, journal: Files, files: Files, is_wanted: Callable[[], bool] = lambda: True
) -> Result:
    """Write the objects of a job; raises `OSError`, and `StorageError` if frames are not there."""
    objects = _Objects(job, files, is_wanted)
    for seq, entries in frames_of(job, journal):
        for number, entry in enumerate(entries):
            objects.take(seq, number, entry)
    objects.rotate()
    return Result(tuple(objects.made))


def frames_of(job: RawJob, journal: Files) -> Iterator[tuple[int, list[Entry]]]:
    """The frames of a job; those that are damaged are not there.  Raises as `pack`."""
    reader = JournalReader(
        journal, from_seq=job.first_seq, until_seq=job.next_seq, skip_damage=True
    )
    for frame in reader:
        yield frame.seq, decode_entries(frame.body)
    if reader.next_seq < job.next_seq:
        raise StorageError(
            f"the journal ends at frame {reader.next_seq}, but those to before {job.next_seq} "
            "were to be packed"
        )


class _Objects:
    """The objects of one rotation, one for each exchange, and those that are whole."""

    def __init__(self, job: RawJob, files: Files, is_wanted: Callable[[], bool]) -> None:
        self.made: list[Made] = []
        self._job = job
        self._files = files
        self._is_wanted = is_wanted
        self._open: dict[str, _Object] = {}
        self._shared: list[Rows] = []  # of no exchange, in this rotation
        self._now_ns = 0
        self._slot: tuple[int, int] | None = None
        self._begun = 0

    def take(self, seq: int, number: int, entry: Entry) -> None:
        if not isinstance(entry, Received):
            self._now_ns = getattr(entry, "at_ns", None) or self._now_ns
            self._go_to(self._now_ns)
            rows = rows_of_shared(seq, number, entry, self._now_ns)
            self._shared.append(rows)
            for each in self._open.values():
                each.add(rows)
            return
        for day_ns, part in _by_day(rows_of_entry(seq, number, entry, self._now_ns)):
            self._now_ns = day_ns
            self._go_to(day_ns)
            self._of(entry.exchange).add(part)
        self._relieve()

    def rotate(self) -> None:
        """Let everything so far be whole."""
        if self._shared and not self._open:
            self._of(NO_EXCHANGE)
        for exchange in sorted(self._open):
            self._finish(exchange)
        self._shared.clear()

    def _go_to(self, at_ns: int) -> None:
        """Rotate where an hour, or a day, is over."""
        slot = (at_ns // NS_PER_DAY, at_ns // (self._job.rotate_secs * NS_PER_SECOND))
        if self._slot is None:
            self._slot = slot
        elif slot > self._slot:
            self.rotate()
            self._slot = slot

    def _of(self, exchange: str) -> _Object:
        found = self._open.get(exchange)
        if found is None:
            assert self._slot is not None, "rows of no time"
            self._begun += 1
            name = f"{RAW}-{self._job.input_hash[:HASH_DIGITS]}-{self._begun}"
            found = _Object(self._job, self._files, name, exchange, self._slot[0], self._is_wanted)
            for rows in self._shared:
                found.add(rows)
            self._open[exchange] = found
        return found

    def _relieve(self) -> None:
        largest = self._job.rotate_mib * _MIB
        for exchange in relieve(self._open, most_bytes=MOST_BYTES, largest_bytes=largest):
            self._finish(exchange)

    def _finish(self, exchange: str) -> None:
        self.made.append(self._open.pop(exchange).finish(len(self.made)))


class _Object(OpenObject[Rows]):
    """Entries of one exchange and day."""

    def __init__(
        self,
        job: RawJob,
        files: Files,
        name: str,
        exchange: str,
        day: int,
        is_wanted: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._job = job
        self._files = files
        self._exchange = exchange
        self._day = day
        self._frames: tuple[int, int] | None = None
        self._name = name
        self._is_wanted = is_wanted

    def add(self, rows: Rows) -> None:
        first, last = int(rows.seq[0]), int(rows.seq[-1])
        begin = first if self._frames is None else self._frames[0]
        self._frames = (begin, last + 1)
        self._rows.append(rows)
        self.waiting += len(rows.payloads) + rows.count
        if self.waiting >= GROUP_BYTES:
            self.flush()

    def _table(self, rows: list[Rows]) -> Any:
        return arrow_table(rows)

    def _begin(self) -> ObjectWriter:
        about = {
            "version": __version__,
            "server": self._job.folders.server,
            "exchange": self._exchange,
            "table": RAW,
            "day": date_text(self._day),
            "journal": [self._job.first_seq, self._job.next_seq],
        }
        name, wanted = self._name, self._is_wanted
        return ObjectWriter(self._files, name, raw_schema(), _options(), about, wanted)

    def finish(self, number: int) -> Made:
        """The object in its place; it is number `number` of its job."""
        writer = self._whole()
        assert self._frames is not None, "an object of nothing"
        first, server = self._frames[0], self._job.folders.server

        def key_of(sha256: str) -> str:
            return str(RawKey(self._exchange, self._day, server, first, sha256[:HASH_DIGITS]))

        done = writer.finish(key_of, self._remove_unknown)
        return Made(
            self._job.hash_of(number, self._exchange, self._day),
            done.key,
            done.sha256,
            done.size,
            done.rows,
            self._exchange,
            self._day,
            RAW,
            frames=self._frames,
        )

    def _remove_unknown(self, key: str) -> None:
        """Remove what a process made of these frames and died before it was written down."""
        folder = key.rpartition("/")[0]
        assert self._frames is not None, "an object of nothing"
        for name in self._files.list(folder):
            other = parse(f"{folder}/{name}")
            if not isinstance(other, RawKey) or other.server != self._job.folders.server:
                continue
            is_ours = self._frames[0] <= other.first_seq < self._frames[1]
            if is_ours and str(other) != key and str(other) not in self._job.known:
                self._files.remove(str(other))


def _by_day(rows: Rows) -> Iterator[tuple[int, Rows]]:
    """The rows of each UTC day, and the time of its first."""
    days = rows.recv_ns // NS_PER_DAY
    for day in np.unique(days).tolist():
        part = rows if (days == day).all() else rows.chosen(days == day)
        yield int(part.recv_ns[0]), part


def raw_schema() -> Any:
    """The columns of an object of messages as received."""
    pa = load("pyarrow", EXTRA)
    return pa.schema(
        [
            ("kind", pa.string()),
            ("seq", pa.int64()),
            ("entry", pa.int32()),
            ("arrival", pa.int32()),
            ("recv_ts", pa.timestamp("ns", "UTC")),
            ("connection", pa.string()),
            ("payload", pa.binary()),
        ]
    )


def arrow_table(parts: Sequence[Rows]) -> Any:
    """All rows, as a `pyarrow.Table`; what has no connection has null."""
    pa = load("pyarrow", EXTRA)
    rows = Rows.joined(parts)
    kinds = pa.DictionaryArray.from_arrays(pa.array(rows.kind), pa.array(Rows.KINDS))
    labels = pa.array(rows.labels, pa.string())
    mask = rows.connection == NONE
    codes = pa.array(np.where(mask, 0, rows.connection), mask=mask)
    connections = pa.DictionaryArray.from_arrays(codes, labels)
    offsets = np.zeros(rows.count + 1, np.int32)
    np.cumsum(rows.lengths, out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(rows.payloads)]
    return pa.table(
        [
            kinds.cast(pa.string()),
            pa.array(rows.seq),
            pa.array(rows.entry),
            pa.array(rows.arrival),
            pa.array(rows.recv_ns).cast(pa.timestamp("ns", "UTC")),
            connections.cast(pa.string()),
            pa.Array.from_buffers(pa.binary(), rows.count, buffers),
        ],
        schema=raw_schema(),
    )


def rows_of(table: Any) -> Rows:
    """What was written as a `pyarrow.Table`."""
    kind = {word: code for code, word in enumerate(Rows.KINDS)}
    connections = table["connection"].to_pylist()
    known = [label for label in dict.fromkeys(connections) if label is not None]
    labels = {label: code for code, label in enumerate(known)}
    payloads = table["payload"].to_pylist()
    return Rows(
        np.array([kind[word] for word in table["kind"].to_pylist()], np.int32),
        table["seq"].to_numpy(),
        table["entry"].to_numpy(),
        table["arrival"].to_numpy(),
        table["recv_ts"].to_numpy().astype(np.int64),
        np.array([NONE if e is None else labels[e] for e in connections], np.int32),
        tuple(labels),
        np.array([len(each) for each in payloads], np.int64),
        b"".join(payloads),
    )


def _options() -> dict[str, Any]:
    numbers = ["seq", "entry", "arrival", "recv_ts"]
    return {
        "compression": "zstd",
        "compression_level": 9,
        "use_dictionary": ["kind", "connection"],
        "column_encoding": {
            **dict.fromkeys(numbers, "DELTA_BINARY_PACKED"),
            "payload": "DELTA_LENGTH_BYTE_ARRAY",
        },
        "write_statistics": ["kind", "connection", *numbers],
        "data_page_size": 8 * _MIB,
    }
