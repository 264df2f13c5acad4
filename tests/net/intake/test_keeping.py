"""Whatever an intake has taken is kept from then on, with what was said among it."""

from __future__ import annotations

from collections.abc import Sequence

import trio
from trio.testing import MockClock

from tests.net.bench import LINGER_SECS, Bench, Connection, trade
from tests.net.intake.test_raw import Failing, drain_with_bug
from tick_logger.journal.kept_reads import KeptReads
from tick_logger.journal.read_buffer import lacking
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Note, Received
from tick_logger.model.marks import Interrupted
from tick_logger.model.tables import Table

NAME = "memory"
MARK = Interrupted((0,), (Table.TRADES,), 5, Cause.SILENT)
NOTE = Note(7, "1.1", "opened")
WISH = Defined(1, "ETH", (Table.TRADES,))


def kept_by(bench: Bench) -> bytearray:
    """The memory in which the reads of a bench are kept from now on."""
    memory, kept = bytearray(1 << 18), KeptReads()
    kept.begin(memoryview(memory), NAME, "/data")
    bench.intake.keeper = kept.of(bench.exchange.name)
    return memory


def said(entry: Received) -> tuple[object, ...]:
    """All that the journal has of an entry, arrays as lists."""
    times, counts = entry.recv_ns.tolist(), entry.counts.tolist()
    arrivals = (*entry.connections, *times, *counts, *entry.split())
    return (entry.defined, entry.marks, entry.notes, entry.taken, entry.decodable, arrivals)


def all_said(entries: Sequence[Received]) -> list[tuple[object, ...]]:
    return [said(each) for each in entries]


async def test_what_is_decoded_is_kept_as_the_journal_will_have_it(
    autojump_clock: MockClock,
) -> None:
    """Marks that follow from it as well; nothing is left when the journal has it."""
    bench, source = Bench(), Connection()
    memory = kept_by(bench)
    bench.intake.note(NOTE)
    bench.intake.put(source, 100, [trade(1), trade(2), b"ack 0"])
    bench.intake.mark(MARK)
    bench.intake.put(Connection("2.1"), 101, [trade(3)])
    batches = [batch.received for batch in await bench.drain()]
    assert [each.taken for each in batches] == [2, 4]
    assert all_said(lacking(memory, NAME, {})) == all_said(batches)
    assert all_said(lacking(memory, NAME, {"tiny": 2})) == all_said(batches[1:])
    assert lacking(memory, NAME, {"tiny": 4}) == []


async def test_what_waits_is_kept_from_when_it_was_read(autojump_clock: MockClock) -> None:
    """A process that dies while it lingers has lost nothing; a wish says what its rows are."""
    bench, source = Bench(), Connection()
    memory = kept_by(bench)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        bench.intake.want(WISH)
        bench.intake.mark(MARK)
        bench.intake.put(source, 100, [trade(1)])
        await trio.sleep(LINGER_SECS / 2)
        bench.intake.put(source, 101, [trade(2), trade(3)])
        (found,) = lacking(memory, NAME, {})
        assert (found.defined, found.marks, found.heard) == ((WISH,), (MARK,), False)
        assert list(found.split()) == [trade(1), trade(2), trade(3)]
        assert found.recv_ns.tolist() == [100, 101]
        bench.intake.close()
        (batch,) = await bench.take_all()
    assert list(batch.received.split()) == [trade(1), trade(2), trade(3)]


async def test_what_is_given_up_is_not_kept(autojump_clock: MockClock) -> None:
    """It is in the gap records; the mark that says so is kept."""
    bench = Bench(budget_bytes=10)
    memory = kept_by(bench)
    bench.intake.put(Connection(), 100, [trade(1)])
    (found,) = lacking(memory, NAME, {})
    assert [mark.cause for mark in found.marks if isinstance(mark, Interrupted)] == [Cause.OVERFLOW]
    assert len(found.recv_ns) == 0


async def test_an_adapter_that_fails_takes_nothing_with_it(autojump_clock: MockClock) -> None:
    """What it failed on is kept raw, as the journal will have it."""
    bench = Bench(venue=Failing())
    memory = kept_by(bench)
    bench.intake.put(Connection(), 100, [trade(1), b"bug"])
    batches = [batch.received for batch in await drain_with_bug(bench)]
    assert [each.decodable for each in batches] == [False]
    assert all_said(lacking(memory, NAME, {})) == all_said(batches)
