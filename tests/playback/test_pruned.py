"""A journal whose beginning was pruned: books are as they were when the rest of it begins."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import attrs
import pytest
from trio.testing import MockClock

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.playback.recorded import (
    STOOD_IN,
    book_at,
    differing,
    of_table,
    part,
    played,
    record_played,
    record_simulated,
    streams_of,
)
from tests.service.oracle import causes
from tick_logger.journal.entry_codec import decode_entries, encode_entries
from tick_logger.journal.segment import (
    HEADER_BYTES,
    FoundFrame,
    Header,
    body_of,
    compress,
    find_frames,
    frame_head,
)
from tick_logger.model.entries import Received
from tick_logger.playback.entries import Entries, JournalFrames
from tick_logger.playback.exchange import Playing
from tick_logger.simulator.registry import DIALECTS
from tick_logger.storage.journal_layout import segment_number

SECS = 30.123


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(DIALECTS))
async def test_books_are_those_of_the_rows_before(name: str, autojump_clock: MockClock) -> None:
    """Their snapshots are no longer in the journal, but the rows that followed make them."""
    recording = await record_simulated(name, SECS)
    prune(recording, share=0.5)
    begins_ns = Entries(JournalFrames(recording), name).begins_ns
    world = await record_played(name, recording, SECS, Playing())
    rng = Random(name)
    for symbol in streams_of(recording, name):
        before, after = (of_table(f, name, symbol, "BOOK") for f in (recording, world.files))
        received = before.recv_ns >= begins_ns
        count = int(received.sum())
        assert 10 < count < len(before) - 10
        for back in [0, *rng.sample(range(count), 5)]:
            then, now = (book_at(each, len(each) - back) for each in (before, after))
            assert then == now, f"{symbol}, {back} rows before the end"
        trades, again = (of_table(f, name, symbol, "TRADES") for f in (recording, world.files))
        trades = part(trades, trades.recv_ns >= begins_ns)
        assert differing(trades, again, but=STOOD_IN.get((name, "TRADES"), ())) == []
    assert causes(world.files) == set()


def prune(recording: MemoryFiles, *, share: float) -> None:
    """Take the first frames out of the only segment of a journal."""
    (path,) = (path for path in recording.contents if path.endswith(".tlj"))
    data = bytes(recording.contents[path])
    head, frames = Header.decode(data), list(find_frames(data, HEADER_BYTES))
    assert head is not None
    first = frames[int(len(frames) * share)]
    assert segment_number(path.rpartition("/")[2]) == head.number
    new = Header(head.number, first.seq, first.seq, head.created_ns).encode()
    recording.contents[path] = bytearray(new.ljust(HEADER_BYTES, b"\0") + data[first.offset :])


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["damage", "bug"])
async def test_books_are_unknown_behind_what_cannot_be_read(
    harm: str, autojump_clock: MockClock
) -> None:
    """Frames that are damaged, and payloads on which the adapter failed: nobody is told a book."""
    recording = await record_simulated("okx", SECS)
    exchange = played("okx", recording, VirtualClock(), Playing(from_ns=NOON_NS + 20 * 10**9))
    symbols = list(streams_of(recording, "okx"))
    assert all(exchange._told.books.has(symbol) for symbol in symbols)
    (path,) = (path for path in recording.contents if path.endswith(".tlj"))
    data = bytes(recording.contents[path])
    frames = list(find_frames(data, HEADER_BYTES))[len(symbols) * 4 :]
    middle = next(each for each in frames if has_books_of(symbols, data, each))
    if harm == "damage":
        recording.contents[path][middle.offset + 40] ^= 0xFF
    else:
        recording.contents[path] = bytearray(with_a_bug(data, middle))
    exchange = played("okx", recording, VirtualClock(), Playing(from_ns=NOON_NS + 20 * 10**9))
    assert not any(exchange._told.books.has(symbol) for symbol in symbols)


def with_a_bug(data: bytes, frame: FoundFrame) -> bytes:
    """The segment, in which the adapter failed on what this frame holds."""
    body = body_of(data, frame)
    assert body is not None
    entries = [
        attrs.evolve(entry, decodable=False) if isinstance(entry, Received) else entry
        for entry in decode_entries(body)
    ]
    changed = encode_entries(entries)
    payload = compress(changed)
    head = frame_head(frame.seq, frame.synced_seq, len(changed), payload)
    return data[: frame.offset] + head + payload + data[frame.end_offset :]


def has_books_of(symbols: Sequence[str], data: bytes, frame: FoundFrame) -> bool:
    """Whether a frame has an update of each of these books."""
    body = body_of(data, frame) or b""
    return all(f'"books","instId":"{symbol}"'.encode() in body for symbol in symbols)
