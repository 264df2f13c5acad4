"""What a journal holds of one exchange, in order, and which streams of it were recorded.

Reads what is there when it begins: of a journal that is being written, the part until then.  Not
here: a journal that is in an archive (`packed_frames`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import attrs

from tick_logger.errors import RefusedError, StorageError
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader, first_seq_of, segments
from tick_logger.model.entries import Entry, Received, Started
from tick_logger.model.tables import Table
from tick_logger.reader.source import Source, Symbol
from tick_logger.storage.files import Files

Streams: TypeAlias = Mapping[str, frozenset[Table]]
"""By symbol, the tables that were recorded of it."""


class NoJournalError(Exception):
    """There is no segment of a journal."""


@attrs.frozen
class NothingOfItError(Exception):
    """The journal has nothing of an exchange; `others` are those of which it has something."""

    others: tuple[str, ...]


class Frames(Protocol):
    """A journal; iterated once, it gives what each frame holds.  Raises as reading does."""

    @property
    def damages(self) -> int:
        """At how many places so far something is missing."""
        ...

    def __iter__(self) -> Iterator[list[Entry]]:
        """The entries of each frame, in order."""
        ...


class JournalFrames:
    """The journal of a directory; raises `NoJournalError` if there is no segment of it."""

    def __init__(self, files: Files) -> None:
        if not segments(files):
            raise NoJournalError
        self._reader = JournalReader(files, from_seq=first_seq_of(files), skip_damage=True)

    @property
    def damages(self) -> int:
        """See `Frames`."""
        return len(self._reader.damages)

    def __iter__(self) -> Iterator[list[Entry]]:
        """See `Frames`; raises `RefusedError` for what this version cannot read."""
        for frame in self._reader:
            try:
                yield decode_entries(frame.body)
            except StorageError as error:  # its checksum was right: reading again changes nothing
                raise RefusedError(f"frame {frame.seq} of the journal: {error}") from error


class Entries:
    """Payloads of one exchange, and the starts of processes that recorded.

    `begins_ns` and `ends_ns` are when the first payload and the last one so far were received.
    Raises `NothingOfItError`, and `OSError` where reading fails.
    """

    def __init__(self, journal: Frames, exchange: str) -> None:
        self._exchange = exchange
        self._journal = journal
        self._frames = iter(journal)
        self._ready: deque[Received | Started] = deque()
        self._others: set[str] = set()
        self.ends_ns = 0
        self.begins_ns = self._find_beginning()

    @property
    def damages(self) -> int:
        """At how many places so far something of the journal is missing."""
        return self._journal.damages

    def take(self) -> list[Received | Started] | None:
        """What the next frame holds; None at the end.  Raises `StorageError` and `OSError`."""
        if self._ready:
            found = list(self._ready)
            self._ready.clear()
            return found
        frame = next(self._frames, None)
        return None if frame is None else self._entries_of(frame)

    def _entries_of(self, entries: Sequence[Entry]) -> list[Received | Started]:
        found: list[Received | Started] = []
        for entry in entries:
            if isinstance(entry, Received) and entry.exchange != self._exchange:
                self._others.add(entry.exchange)
            elif isinstance(entry, Received | Started):
                found.append(entry)
                if isinstance(entry, Received) and len(entry.recv_ns):
                    self.ends_ns = int(entry.recv_ns[-1])
        return found

    def _find_beginning(self) -> int:
        for frame in self._frames:
            self._ready += self._entries_of(frame)
            for entry in self._ready:
                if isinstance(entry, Received) and len(entry.recv_ns):
                    return int(entry.recv_ns[0])
        raise NothingOfItError(tuple(sorted(self._others)))


def recorded_streams(source: Source, exchange: str) -> Streams:
    """What has rows beside the journal; raises `OSError`."""
    found: dict[str, frozenset[Table]] = {}
    for symbol in source.symbols(exchange):
        of_it = Symbol(exchange, symbol)
        tables = frozenset(table for table in Table if source.days(of_it, table))
        if tables:
            found[symbol] = tables
    return found
