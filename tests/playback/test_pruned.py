"""A journal whose beginning was pruned: books are as they were when the rest of it begins."""

from __future__ import annotations

from random import Random

import pytest
from trio.testing import MockClock

from tests.fakes.memory_files import MemoryFiles
from tests.playback.recorded import (
    STOOD_IN,
    book_at,
    differing,
    of_table,
    part,
    record_played,
    record_simulated,
    streams_of,
)
from tests.service.oracle import causes
from tick_logger.journal.segment import HEADER_BYTES, Header, find_frames
from tick_logger.playback.entries import Entries
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
    begins_ns = Entries(recording, name).begins_ns
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
