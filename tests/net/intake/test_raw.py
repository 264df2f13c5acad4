"""What the intake keeps of frames beside their rows: enough to decode them again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
import trio
from trio.testing import MockClock

from tests.net.bench import Bench, Connection, ids, size_of, trade
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Decoded
from tick_logger.model.batch import Batch
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Note
from tick_logger.model.marks import Interrupted
from tick_logger.model.tables import Table
from tick_logger.net.intake import arrivals


async def test_payloads_are_passed_on_as_they_came() -> None:
    """Every byte of every payload, whose it was and when, the undecodable ones included."""
    bench = Bench()
    said = [[trade(1), b"nonsense"], [b""], [b"\0 \n", trade(2, "ETH")]]
    bench.intake.put(Connection("1.1"), 70, said[0])
    bench.intake.put(Connection("2.1"), 60, said[1])
    bench.intake.put(Connection("1.1"), 80, said[2])
    (batch,) = await bench.drain()
    received = batch.received
    assert received.exchange == "tiny"
    assert received.split() == [payload for payloads in said for payload in payloads]
    assert received.connections == ("1.1", "2.1", "1.1")
    assert received.recv_ns.tolist() == [70, 60, 80]
    assert received.counts.tolist() == [2, 1, 2]
    assert received.decodable


async def test_what_is_wanted_is_told_before_the_rows_that_it_is_wanted_of() -> None:
    """Each change once, with the symbol, so that the same rows can be left out again."""
    bench = Bench()
    every = Defined(0, "BTC", (Table.TRADES,)), Defined(1, "ETH", (Table.TRADES,))
    bench.intake.put(Connection(), 1, [trade(1, "ETH")])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        first = await bench.receive.receive()
        bench.wanted.set(1, ())
        bench.intake.put(Connection(), 2, [trade(2, "ETH"), trade(3)])
        second = await bench.receive.receive()
        bench.intake.put(Connection(), 3, [trade(4)])
        bench.intake.close()
        (third,) = await bench.take_all()
    assert [batch.received.defined for batch in (first, second, third)] == [
        every,
        (Defined(1, "ETH", ()),),
        (),
    ]
    assert ids([first, second, third]) == [1, 3, 4]


async def test_what_is_wanted_is_told_again_every_minute(autojump_clock: MockClock) -> None:
    """All that is recorded, for a journal whose beginning is lost; and no more often."""
    bench = Bench()
    bench.wanted.set(1, ())

    async def connection() -> None:
        for number in range(130):
            bench.intake.put(Connection(), number, [trade(number)])
            await trio.sleep(1.0)
        bench.intake.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(bench.intake.run, bench.send)
        nursery.start_soon(connection)
        batches = await bench.take_all()
    told = {batch.received.recv_ns[0]: batch.received.defined for batch in batches}
    every = (Defined(0, "BTC", (Table.TRADES,)),)
    assert {at: defined for at, defined in told.items() if at and defined} == {
        60: every,
        120: every,
    }


async def test_notes_keep_their_place_among_frames() -> None:
    """A note stands before what was received after it, and after what was received before."""
    bench, source = Bench(), Connection()
    notes = [Note(n, "1.1", "connected", "a") for n in range(3)]
    bench.intake.note(notes[0])
    bench.intake.put(source, 1, [trade(1)])
    bench.intake.note(notes[1])
    bench.intake.put(source, 2, [trade(2)])
    bench.intake.note(notes[2])
    batches = await bench.drain()
    assert [(batch.received.notes, ids([batch])) for batch in batches] == [
        ((notes[0],), [1]),
        ((notes[1],), [2]),
        ((notes[2],), []),
    ]


async def test_a_backlog_of_large_messages_is_cut_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of frames: a batch is written as one, and has a largest size."""
    monkeypatch.setattr(arrivals, "MAX_BYTES_PER_DECODE", 3 * size_of(trade(10)))
    bench, source = Bench(), Connection()
    for number in range(10, 16):
        bench.intake.put(source, number, [trade(number)])
    bench.intake.put(source, 16, [b"x" * 500])  # too large alone, and not divided
    batches = await bench.drain()
    assert [len(batch.received.lengths) for batch in batches] == [3, 3, 1]


# -- an adapter that fails ------------------------------------------------------------------------


class Failing(TinyVenue):
    """Has a bug that any frame named so brings out."""

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
        if b"bug" in payloads:
            raise KeyError("a bug")
        return super().decode(payloads, instruments)


async def drain_with_bug(bench: Bench) -> list[Batch]:
    """As `Bench.drain`, of an intake whose adapter has a bug that shows."""
    with pytest.raises(BaseExceptionGroup) as caught:  # noqa: PT012 - the batches are wanted too
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bench.intake.run, bench.send)
            with trio.CancelScope(shield=True):
                batches = await bench.take_all()
    assert [repr(error) for error in caught.value.exceptions] == ["KeyError('a bug')"]
    return batches


async def test_what_an_adapter_fails_on_is_passed_on_raw(autojump_clock: MockClock) -> None:
    """Marked as not to be tried again, with a hole for its connections; then the bug is raised."""
    bench, one, two = Bench(venue=Failing()), Connection("1.1", (0,)), Connection("2.1", (1,))
    bench.intake.put(one, 5, [trade(1), b"bug"])
    bench.intake.put(two, 6, [trade(2, "ETH")])
    bench.intake.put(one, 7, [trade(3)])
    (batch,) = await drain_with_bug(bench)
    assert batch.received.split() == [trade(1), b"bug", trade(2, "ETH"), trade(3)]
    assert not batch.received.decodable
    assert (batch.rows, batch.kept_aside) == ((), ())
    assert batch.received.marks == (
        Interrupted((0,), (Table.TRADES,), 5, Cause.ADAPTER),
        Interrupted((1,), (Table.TRADES,), 6, Cause.ADAPTER),
    )
    assert bench.budget.taken_bytes == 0


async def test_what_waits_behind_a_bug_is_passed_on_raw_too(
    monkeypatch: pytest.MonkeyPatch, autojump_clock: MockClock
) -> None:
    """An adapter that has failed once is not asked again; that it failed is told once."""
    monkeypatch.setattr(arrivals, "MAX_FRAMES_PER_DECODE", 1)
    bench = Bench(venue=Failing())
    for number, payload in enumerate([trade(1), b"bug", trade(2)]):
        bench.intake.put(Connection(), number, [payload])
    batches = await drain_with_bug(bench)
    assert [batch.received.decodable for batch in batches] == [True, False, False]
    assert ids(batches) == [1]
    assert bench.bugs == 1
    assert bench.budget.taken_bytes == 0
