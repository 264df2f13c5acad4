"""Deriving column files from entries in the ways that the program has, and comparing the result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from tests.fakes.memory_files import MemoryFiles
from tick_logger.derive.derivation import Derivation
from tick_logger.exchanges import registry
from tick_logger.exchanges.decoding import Recordable, decode
from tick_logger.journal.entry_codec import encode_entries
from tick_logger.journal.journal import Journal
from tick_logger.model.entries import Closed, Entry, Received, Sealed, Started, Ticked
from tick_logger.model.schemas import Schemas
from tick_logger.model.tables import EXACT
from tick_logger.model.wanted import WantedTables
from tick_logger.storage.extents_log import ExtentsLog
from tick_logger.storage.files import Files
from tick_logger.storage.state_codec import decode_state, encode_state

NOW_NS = 1_723_200_000 * 10**9


def recorded(files: MemoryFiles) -> dict[str, bytes]:
    """Path to content of what is recorded beside the journal; an empty file is as good as none."""
    return {
        path: bytes(content)
        for path, content in files.contents.items()
        if content and not path.startswith("journal/") and path != "format.json"
    }


def gaps(files: MemoryFiles) -> list[dict[str, Any]]:
    """Every line about a hole, of all streams."""
    return [
        json.loads(line)
        for path, content in recorded(files).items()
        if "/gaps." in path
        for line in content.splitlines()
        if b'"table":null' not in line  # as the first line, which is about no hole
    ]


def derivation(files: Files) -> Derivation:
    """One that has taken nothing yet."""
    return Derivation(files, ExtentsLog(files), Schemas.written(EXACT))


def prepared(files: MemoryFiles | None = None) -> MemoryFiles:
    """Files with the folder of the journal, which the extents need."""
    chosen = MemoryFiles() if files is None else files
    chosen.append("journal/folder", b"")
    return chosen


def take(derived: Derivation, entries: Iterable[Entry]) -> None:
    """As a replay does."""
    for entry in entries:
        derived.apply(entry)
        derived.settle()


def bytes_of(entries: Iterable[Entry]) -> dict[str, bytes]:
    """What these entries give on an empty disk that never fails."""
    files = prepared()
    take(derivation(files), entries)
    return recorded(files)


def reloaded(derived: Derivation, files: Files) -> Derivation:
    """Another one with the same state, by way of the bytes of a checkpoint."""
    state: dict[str, Any] = decode_state(encode_state(derived.dump()))
    again = derivation(files)
    again.load(state, derived.next_seq)
    return again


def decoded(
    entry: Received,
    symbols: Mapping[str, Mapping[str, int]],
    wanted: dict[str, WantedTables],
) -> Recordable:
    """What an intake makes of it; `wanted` is what the entries before wished."""
    wishes = wanted.setdefault(entry.exchange, WantedTables())
    for each in entry.defined:
        wishes.set(each.instrument, each.tables)
    payloads, times = entry.split(), entry.recv_ns_of_payloads()
    exchange = registry.get(entry.exchange)
    return decode(exchange, payloads, times, symbols[entry.exchange], wishes)


@attrs.define
class Live:
    """Takes entries as the service does: decoded before, by whoever received them."""

    derived: Derivation
    symbols: Mapping[str, Mapping[str, int]]
    wanted: dict[str, WantedTables] = attrs.field(factory=dict)

    def take(self, entry: Entry) -> None:
        """One entry, written at once."""
        match entry:
            case Received():
                found = decoded(entry, self.symbols, self.wanted)
                nothing = attrs.evolve(entry, payloads=b"", lengths=entry.lengths[:0])
                self.derived.receive(nothing, found.rows, found.aside, found.losses)
            case Started():
                self.wanted = {}
                self.derived.start(entry)
            case Ticked(at_ns):
                self.derived.tick(at_ns)
            case Closed(at_ns):
                self.derived.close(at_ns)
            case Sealed(exchange, day):
                self.derived.seal(exchange, day)
        self.derived.settle()


def write_journal(
    files: Files,
    frames: Iterable[list[Entry]],
    *,
    next_seq: int = 1,
    segment: int = 1,
    sync: bool = True,
) -> Journal:
    """A journal of these frames, each written and synced for itself."""
    journal = Journal(files, next_seq=next_seq, segment=segment)
    for frame in frames:
        journal.accept(encode_entries(frame))
        journal.write(NOW_NS)
        if sync:
            journal.sync()
    return journal
