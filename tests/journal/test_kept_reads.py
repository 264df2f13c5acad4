"""What is kept until it is in the journal: all of it comes back, once, in order; nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.test_entry_codec import comparable
from tick_logger.journal.kept_reads import KeptOfExchange, KeptReads
from tick_logger.journal.read_buffer import FORMAT, GOOD_OFFSET, RECORDS_OFFSET, lacking
from tick_logger.model.cause import Cause
from tick_logger.model.entries import Defined, Note, Received, joined
from tick_logger.model.marks import Interrupted
from tick_logger.model.payloads import Payloads
from tick_logger.model.tables import Table

NAME = "of-this-process"
MARK = Interrupted((1,), (Table.TRADES,), 5, Cause.SILENT)
NOTE = Note(7, "1.1", "opened")
WISH = Defined(1, "BTC", (Table.TRADES,))

Read = tuple[str, int, list[bytes]]


def entry(*reads: Read, exchange: str = "venue") -> Received:
    """Of these reads: connection, time and payloads."""
    lengths, block = joined([each for _, _, payloads in reads for each in payloads])
    return Received(
        exchange=exchange,
        connections=tuple(connection for connection, _, _ in reads),
        recv_ns=np.array([at for _, at, _ in reads], np.int64),
        counts=np.array([len(payloads) for _, _, payloads in reads], np.uint32),
        lengths=lengths,
        payloads=block,
    )


def kept_in(size: int = 1 << 16) -> tuple[KeptReads, bytearray]:
    """Kept in this much memory, which had something else in it."""
    memory, kept = bytearray(b"\xaa" * size), KeptReads()
    kept.begin(memoryview(memory), NAME, "/data")
    return kept, memory


def read(of: KeptOfExchange, at: int, *texts: bytes, connection: str = "1.1") -> Read:
    """Let it take a read."""
    of.read(connection, at, Payloads.of(texts))
    return connection, at, list(texts)


def check(found: Sequence[Received], expected: Sequence[Received]) -> None:
    assert [comparable(each) for each in found] == [comparable(each) for each in expected]


def test_a_batch_comes_back_as_the_journal_would_have_it() -> None:
    """Its reads, and what it said beside them, once the process is gone."""
    kept, memory = kept_in()
    venue = kept.of("venue")
    reads = [read(venue, 1, b"one", b"", b"three"), read(venue, 2, b"four", connection="2.1")]
    batch = attrs.evolve(
        entry(*reads),
        defined=(WISH,),
        marks=(MARK,),
        notes=(NOTE,),
        decodable=False,
        taken=venue.next_taken(2),
    )
    venue.batch(batch)
    check(lacking(memory, NAME, {}), [batch])
    check(lacking(memory, NAME, {"venue": 2}), [])


def test_what_was_not_decoded_comes_back_in_order_and_as_not_heard() -> None:
    """What was said among the reads is in the entry of the reads behind it."""
    kept, memory = kept_in()
    venue = kept.of("venue")
    first = attrs.evolve(entry(read(venue, 1, b"one")), taken=venue.next_taken(1))
    venue.batch(first)
    venue.said(attrs.evolve(entry(), marks=(MARK,)))
    venue.said(attrs.evolve(entry(), defined=(WISH,)))
    second = entry(read(venue, 2, b"two"), read(venue, 3, b"three"))
    venue.said(attrs.evolve(entry(), notes=(NOTE,)))
    third = entry(read(venue, 4, b"four"))
    check(
        lacking(memory, NAME, {}),
        [
            first,
            attrs.evolve(second, marks=(MARK,), defined=(WISH,), taken=5, heard=False),
            attrs.evolve(third, notes=(NOTE,), taken=7, heard=False),
        ],
    )


def test_a_record_that_was_not_finished_is_not_there() -> None:
    """The process may die between any two stores: the count of what is good comes last."""
    kept, memory = kept_in()
    venue = kept.of("venue")
    one = entry(read(venue, 1, b"one"))
    good = bytes(memory[GOOD_OFFSET : GOOD_OFFSET + 16])
    read(venue, 2, b"two")
    memory[GOOD_OFFSET : GOOD_OFFSET + 16] = good
    check(lacking(memory, NAME, {}), [attrs.evolve(one, taken=1, heard=False)])


@pytest.mark.parametrize("at", range(0, 80, 3))
def test_what_is_not_whole_ends_what_is_read(at: int) -> None:
    """Whatever changed it, nothing is made up."""
    kept, memory = kept_in()
    venue = kept.of("venue")
    one = entry(read(venue, 1, b"one"))
    begin = RECORDS_OFFSET + kept_bytes(memory)
    read(venue, 2, b"two")
    memory[begin + at % (RECORDS_OFFSET + kept_bytes(memory) - begin)] ^= 0x10
    check(lacking(memory, NAME, {}), [attrs.evolve(one, taken=1, heard=False)])


def kept_bytes(memory: bytearray) -> int:
    return int.from_bytes(memory[GOOD_OFFSET : GOOD_OFFSET + 8], "little")


def test_anothers_buffer_is_none() -> None:
    """Of another process, of another version of this form, or no buffer at all."""
    kept, memory = kept_in()
    read(kept.of("venue"), 1, b"one")
    assert lacking(memory, "another", {}) == []
    assert lacking(bytes(100), NAME, {}) == []
    assert lacking(memory[:-1], NAME, {}) == []
    newer = json.dumps({"format": FORMAT + "0", "name": NAME, "half_bytes": 28672}).encode()
    memory[: len(newer) + 40] = newer + bytes(40)
    assert lacking(memory, NAME, {}) == []


def test_a_path_that_is_longer_than_there_is_room_is_left_out() -> None:
    """It says only whose the buffer is."""
    memory, kept = bytearray(1 << 16), KeptReads()
    kept.begin(memoryview(memory), NAME, "/ü" * 1000)
    read(kept.of("venue"), 1, b"one")
    assert len(lacking(memory, NAME, {})) == 1


def test_without_memory_nothing_is_kept_or_numbered() -> None:
    """And nobody minds."""
    kept = KeptReads()
    venue = kept.of("venue")
    read(venue, 1, b"one")
    venue.said(attrs.evolve(entry(), notes=(NOTE,)))
    assert venue.next_taken(2) == 0
    venue.batch(entry())
    kept.journalled("venue", 0)
    assert kept.is_empty


def test_a_half_is_written_over_only_when_the_journal_has_it() -> None:
    """Until then what comes is not kept, which is said once; then it is kept again."""
    kept, memory = kept_in(RECORDS_OFFSET + 2 * 900)
    said: list[bool] = []
    kept.on_not_kept = said.append
    venue = kept.of("venue")
    reads = [read(venue, at, bytes([65 + at]) * 400) for at in range(1, 5)]
    assert said == []  # two in each half
    read(venue, 5, b"E" * 400)
    read(venue, 6, b"F" * 400)
    assert said == [True, False]
    check(lacking(memory, NAME, {}), [attrs.evolve(entry(*reads), taken=4, heard=False)])
    first = attrs.evolve(entry(*reads[:2]), taken=venue.next_taken(2))
    venue.batch(first)  # no room for this either
    kept.journalled("venue", 2)
    seventh = read(venue, 7, b"G" * 400)
    assert said == [True, False, False]
    # What lies behind one that is missing is of no use.
    check(
        lacking(memory, NAME, {"venue": 2}),
        [attrs.evolve(entry(*reads[2:]), taken=4, heard=False)],
    )
    check(lacking(memory, NAME, {"venue": 6}), [attrs.evolve(entry(seventh), taken=7, heard=False)])


def test_a_batch_does_not_free_what_came_after_it() -> None:
    """It is kept behind what came while it was decoded, which the journal does not have."""
    kept, memory = kept_in(RECORDS_OFFSET + 2 * 2000)
    venue = kept.of("venue")
    read(venue, 1, b"one")
    second = read(venue, 2, b"two")
    venue.batch(attrs.evolve(entry(), taken=venue.next_taken(1)))
    kept.journalled("venue", 1)
    assert not kept.is_empty
    check(
        lacking(memory, NAME, {"venue": 1}),
        [attrs.evolve(entry(second), taken=2, heard=False)],
    )


@attrs.define
class _Model:
    """One exchange: what it took, what is decoded of it, and what the journal has."""

    of: KeptOfExchange
    took: list[Read] = attrs.field(factory=list)
    decoded: list[int] = attrs.field(factory=list)
    journalled: int = 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(300, 3000))
def test_whenever_the_process_dies_journal_and_buffer_have_everything(seed: int, half: int) -> None:
    """Each read once and in order, as long as there was room for it."""
    rng = random.Random(seed)
    kept, memory = kept_in(RECORDS_OFFSET + 2 * half)
    refused: list[bool] = []
    kept.on_not_kept = refused.append
    venues = {name: _Model(kept.of(name)) for name in ("one", "two")}
    for at in range(60):
        name = rng.choice(["one", "two"])
        model = venues[name]
        waiting = len(model.took) - (model.decoded[-1] if model.decoded else 0)
        match rng.choice(["read", "read", "read", "decode", "write"]):
            case "read":
                texts = [rng.randbytes(rng.randint(0, 60)) for _ in range(rng.randint(0, 3))]
                model.took.append(read(model.of, at, *texts, connection=str(rng.randint(1, 3))))
            case "decode" if waiting:
                taken = model.of.next_taken(rng.randint(1, waiting))
                model.of.batch(attrs.evolve(entry(exchange=name), taken=taken))
                model.decoded.append(taken)
            case "write" if model.decoded:
                model.journalled = rng.choice(model.decoded)
                model.decoded = [each for each in model.decoded if each >= model.journalled]
                kept.journalled(name, model.journalled)
        if refused:
            break
        for other, each in venues.items():
            found = lacking(memory, NAME, {other: each.journalled})
            mine = [one for one in found if one.exchange == other]
            reads = [
                (connection, int(at), payloads)
                for one in mine
                for connection, at, payloads in _reads(one)
            ]
            assert reads == each.took[each.journalled :]
            ends = [one.taken for one in mine if one.heard]
            assert ends == [one for one in each.decoded if one > each.journalled]


def _reads(one: Received) -> list[Read]:
    payloads = iter(one.split().texts)
    counts = one.counts.tolist()
    return [
        (connection, at, [next(payloads) for _ in range(count)])
        for connection, at, count in zip(one.connections, one.recv_ns.tolist(), counts, strict=True)
    ]
