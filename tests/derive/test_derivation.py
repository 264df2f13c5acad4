"""Column files are a function of the entries: however and whenever these are taken."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random

import attrs
import numpy as np
import pytest

from tests.derive.derived import (
    Live,
    bytes_of,
    derivation,
    gaps,
    prepared,
    recorded,
    reloaded,
    take,
)
from tests.derive.story import (
    COLUMNS,
    INSTRUMENTS,
    MIDNIGHT_NS,
    SECOND,
    START_NS,
    TABLES,
    entries_of,
    received,
    story,
)
from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import SimDisk
from tick_logger.derive.derivation import Derivation
from tick_logger.errors import RefusedError, StorageError
from tick_logger.model.entries import Closed, Defined, Entry, Received, Started, Ticked
from tick_logger.model.marks import Resumed
from tick_logger.model.tables import EXACT, Table

SEEDS = range(12)
MAX_ATTEMPTS = 5
WRITING = ("append", "truncate", "size", "exists", "sync_file", "sync_folder")

TRADE = (
    b'{"type":"match","trade_id":%d,"maker_order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0",'
    b'"taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","side":"sell","size":"1",'
    b'"price":"10","product_id":"BTC-USD","sequence":%d,"time":"2024-08-09T00:00:00Z"}'
)


def trade(at_ns: int, *numbers: int, defined: bool = False) -> Received:
    """These trades of one symbol, received at once."""
    wanted = [Defined(0, "BTC-USD", TABLES)] if defined else []
    reads = [(at_ns, [TRADE % (number, number) for number in numbers])]
    return received("coinbase", reads, defined=wanted)


def subscribed_again(entry: Received) -> Received:
    """The same, and with it the venue's word that every stream of the symbol is live."""
    resumed = Resumed((0,), tuple(Table), int(entry.recv_ns[0]))
    return attrs.evolve(entry, marks=(resumed,))


def started(at_ns: int) -> Started:
    return Started(at_ns, "1.0", EXACT, 2, COLUMNS)


# -- the story itself ------------------------------------------------------------------------------


def test_the_stories_have_everything_in_them() -> None:
    """Every table, in order and late; duplicates; gaps of every cause; payloads kept aside."""
    rows, causes = Counter[tuple[Table, bool]](), set[str]()
    duplicates, folders = 0, set[str]()
    for seed in SEEDS:
        files = prepared()
        derived = derivation(files)
        for entry in entries_of(story(seed)):
            derived.apply(entry)
            outcome = derived.settle()
            if outcome is not None:
                for run in outcome.flush.runs:
                    rows[run.table, run.late] += len(run.rows)
                causes |= {gap.cause for gap in outcome.flush.gaps}
                duplicates += sum(outcome.counts.duplicates.values())
        folders |= {path.split("/")[1][:11] for path in recorded(files)}
    assert {table for table, late in rows if not late} == set(Table)
    assert {late for _, late in rows} == {True, False}
    assert duplicates > 0
    assert causes >= {"crash", "restart", "disconnect", "sequence", "silent", "retired"}
    assert folders >= {"BTC-USD", "ETH-USD", "BTCUSDT", "ETHUSDT", "undecodable"}


# -- the same bytes --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_live_and_replayed_entries_give_the_same_bytes(seed: int) -> None:
    """Decoded by whoever received them, or from the journal: also what is kept aside."""
    entries = entries_of(story(seed))
    files = prepared()
    live = Live(derivation(files), INSTRUMENTS)
    for entry in entries:
        live.take(entry)
    assert recorded(files) == bytes_of(entries)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_state_may_be_saved_and_loaded_between_any_two_entries(seed: int) -> None:
    """A relay, each entry taken by another derivation, gives what one alone gives."""
    entries = entries_of(story(seed))
    files = prepared()
    derived = derivation(files)
    for entry in entries:
        derived = reloaded(derived, files)
        take(derived, [entry])
    assert recorded(files) == bytes_of(entries)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_live_process_may_go_on_from_a_replay(seed: int) -> None:
    """As it does at every start: the second process begins where the first was replayed to."""
    entries = entries_of(story(seed))
    starts = [at for at, entry in enumerate(entries) if isinstance(entry, Started)]
    files = prepared()
    derived = derivation(files)
    take(derived, entries[: starts[1]])
    live = Live(derived, INSTRUMENTS)
    for entry in entries[starts[1] :]:
        live.take(entry)
    assert recorded(files) == bytes_of(entries)


def test_the_state_knows_what_the_program_must_number_the_same() -> None:
    """Instruments keep their numbers, with the holes between them."""
    files = prepared()
    derived = derivation(files)
    take(derived, [started(START_NS), received("binance", [(START_NS, [])])])
    take(derived, [received("x", [(START_NS, [])], defined=[Defined(3, "S", ())])])
    again = reloaded(derived, files)
    assert list(again.instruments) == [("", ""), ("", ""), ("", ""), ("x", "S")]


# -- what it says ----------------------------------------------------------------------------------


def test_it_knows_whether_the_process_before_stopped_in_order() -> None:
    """Only what was received after an orderly stop makes it a crash; the state says so too."""
    files = prepared()
    derived = derivation(files)
    seen = [derived.closed]
    for entry in (started(START_NS), trade(START_NS, 1), Ticked(), Closed(START_NS), Ticked()):
        take(derived, [entry])
        seen.append(derived.closed)
        assert reloaded(derived, files).closed == derived.closed
    assert seen == [True, True, False, False, True, True]


def test_it_knows_up_to_when_anything_was_received() -> None:
    """The newest receive time of any exchange; after an orderly stop the time of that."""
    derived = derivation(prepared())
    assert derived.stopped_ns is None
    take(derived, [trade(START_NS + 5, 1), received("binance", [(START_NS + 9, [b"x"])])])
    take(derived, [trade(START_NS + 4, 2)])  # the clock was set back
    assert derived.stopped_ns == START_NS + 9
    take(derived, [Closed(START_NS + 20)])
    assert derived.stopped_ns == START_NS + 20


def test_a_tick_says_what_it_put_on_disk() -> None:
    """Rows are released at the second tick; `settle` says it once."""
    derived = derivation(prepared())
    take(derived, [started(START_NS), trade(START_NS, 1, 2, 2, defined=True), Ticked()])
    derived.apply(Ticked())
    outcome = derived.settle()
    assert outcome is not None
    assert [len(run.rows) for run in outcome.flush.runs] == [2]
    assert derived.settle() is None


def test_a_tick_says_how_many_prices_lost_digits() -> None:
    """By exchange: those too small for an f4 and its rest."""
    derived = derivation(prepared())
    prices = (b'"price":"1e-60"', b'"price":"1e-43"', b'"price":"1e-38"')
    messages = [
        (TRADE % (number, number)).replace(b'"price":"10"', price)
        for number, price in enumerate(prices, 1)
    ]
    entry = received("coinbase", [(START_NS, messages)], defined=[Defined(0, "BTC-USD", TABLES)])
    take(derived, [started(START_NS), entry, Ticked()])
    derived.apply(Ticked())
    outcome = derived.settle()
    assert outcome is not None
    assert outcome.inexact == {"coinbase": 2}


def test_what_an_adapter_failed_on_is_passed_over() -> None:
    """It would fail on it again; nothing of it is decoded, and the receive time counts."""
    derived = derivation(prepared())
    entry = trade(START_NS, 1, defined=True)
    derived.apply(attrs.evolve(entry, decodable=False))
    derived.apply(Closed(START_NS))
    outcome = derived.settle()
    assert outcome is not None
    assert outcome.flush.runs == ()
    assert derived.stopped_ns == START_NS


def test_an_exchange_that_is_known_no_longer_is_passed_over() -> None:
    """A journal may be older than the program; its own instruments keep their numbers."""
    derived = derivation(prepared())
    take(derived, [received("gone", [(5, [b"?"])], defined=[Defined(4, "S", TABLES)]), Ticked()])
    assert derived.instruments.name(4) == ("gone", "S")


# -- loss of entries -------------------------------------------------------------------------------


def test_where_entries_were_lost_every_stream_gets_a_gap() -> None:
    """From the last receipt before it to when it is known to be live; trades tell by their ids."""
    files = prepared()
    derived = derivation(files)
    take(derived, [started(MIDNIGHT_NS), trade(MIDNIGHT_NS + 5, 1, defined=True), Ticked()])
    derived.lost()
    take(derived, [trade(MIDNIGHT_NS + 8, 4)])
    take(derived, [subscribed_again(trade(MIDNIGHT_NS + 9, 5)), Ticked(), Ticked()])
    take(derived, [Closed(MIDNIGHT_NS + 10)])
    found = [gap for gap in gaps(files) if gap["cause"] == "damage"]
    assert {(gap["table"], gap["from_id"], gap["to_id"]) for gap in found} == {
        ("MD", None, None),
        ("TRADES", 2, 3),
        ("QUOTES", None, None),
        ("BOOK", None, None),
    }
    assert {(gap["from_ns"], gap["to_ns"]) for gap in found if gap["table"] != "TRADES"} == {
        (MIDNIGHT_NS + 5, MIDNIGHT_NS + 9)
    }


def test_an_entrance_of_which_nothing_had_come_has_a_gap_too() -> None:
    """Only its name is its own; what comes later makes no other."""
    files = prepared()
    derived = derivation(files)
    take(derived, [started(MIDNIGHT_NS), Ticked()])
    derived.lost()
    for at_ns in (MIDNIGHT_NS + 8, MIDNIGHT_NS + 9):
        entry = subscribed_again(trade(at_ns, 4, defined=True))
        take(derived, [attrs.evolve(entry, exchange="coinbase_eu"), Ticked(), Ticked()])
    found = [(gap["table"], gap["from_ns"]) for gap in gaps(files) if gap["cause"] == "damage"]
    assert sorted(found) == [(each, MIDNIGHT_NS) for each in ("BOOK", "MD", "QUOTES", "TRADES")]


@pytest.mark.parametrize("way", ["at once", "by way of a checkpoint", "after a stop"])
def test_a_loss_is_remembered_until_something_is_received_again(way: str) -> None:
    """Whatever lies between: a second loss does not shorten it, nor does an orderly stop."""
    files = prepared()
    derived = derivation(files)
    take(derived, [started(MIDNIGHT_NS), trade(MIDNIGHT_NS + 5, 1, defined=True)])
    derived.lost()
    if way == "by way of a checkpoint":
        derived = reloaded(derived, files)
    if way == "after a stop":
        take(derived, [Closed(MIDNIGHT_NS + 7)])
        derived.lost()
    take(derived, [subscribed_again(trade(MIDNIGHT_NS + 9, 4, defined=True)), Ticked(), Ticked()])
    take(derived, [Closed(MIDNIGHT_NS + 10)])
    found = [gap for gap in gaps(files) if gap["cause"] == "damage"]
    assert [gap["table"] for gap in found].count("TRADES") == 1
    assert len(found) == len(Table)
    assert {(gap["from_ns"], gap["to_ns"]) for gap in found} == {(MIDNIGHT_NS + 5, MIDNIGHT_NS + 9)}


def test_a_loss_of_what_was_defined_does_not_end_the_replay() -> None:
    """What comes behind it is of nobody then."""
    derived = derivation(prepared())
    take(derived, [trade(START_NS, 1, defined=True), Closed(START_NS)])
    derived.start(started(START_NS + 1))
    derived.lost()
    later = trade(START_NS + 2, 2)
    take(derived, [attrs.evolve(later, decodable=False), Closed(START_NS + 3)])
    assert (derived.closed, derived.stopped_ns) == (True, START_NS + 3)


# -- a disk that fails -----------------------------------------------------------------------------


def take_stubbornly(derived: Derivation, entries: Iterable[Entry]) -> int:
    """As `take`, with every `settle` repeated until it succeeds; returns the failures."""
    failures = 0
    for entry in entries:
        derived.apply(entry)
        for _ in range(MAX_ATTEMPTS):
            try:
                derived.settle()
            except (OSError, StorageError):
                failures += 1
            else:
                break
        else:
            raise AssertionError("it never succeeds again")
    return failures


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_whichever_operation_fails_the_bytes_are_the_same(number: int) -> None:
    """A flush is written in full, whatever part of it was there; once, and at the next attempt."""
    entries = entries_of(story(1, rounds=1))
    expected = bytes_of(entries)
    hits = 0
    for operation in range(2 + number % 3, 1000, 3):
        disk = SimDisk(Random(operation))
        prepared(disk)
        disk.fail(*WRITING, number=number, at=operation)
        hits += take_stubbornly(derivation(disk), entries)
        assert recorded(disk) == expected, operation
        if disk.operations < operation:
            break
    assert hits > 33


@pytest.mark.parametrize("room", [500, 1_000, 2_000, 3_000])
def test_a_disk_that_fills_up_and_gets_space_loses_nothing(room: int) -> None:
    """Wherever it was full: appends that wrote a part are cut back."""
    entries = entries_of(story(2))
    disk = SimDisk(Random(room), capacity_bytes=room)
    derived = derivation(prepared(disk))
    failures = 0
    for entry in entries:
        derived.apply(entry)
        try:
            derived.settle()
        except (OSError, StorageError):
            failures += 1
            disk.heal()
            derived.settle()
    assert failures == 1
    assert recorded(disk) == bytes_of(entries)


def test_a_tail_that_cannot_be_read_ends_it() -> None:
    """In the middle of a tick, which cannot be repeated: what it held is in the journal."""
    disk = SimDisk()
    take(derivation(prepared(disk)), [trade(MIDNIGHT_NS, 1, defined=True), Closed(MIDNIGHT_NS)])
    disk.fail("read", number=errno.EIO, path="coinbase/*")
    derived = derivation(disk)
    derived.apply(trade(MIDNIGHT_NS + SECOND, 1, 2, defined=True))
    with pytest.raises(RefusedError, match="cannot read coinbase/BTC-USD/"):
        derived.apply(Ticked())
    disk.heal()
    derived = derivation(disk)
    take(derived, [trade(MIDNIGHT_NS + SECOND, 1, 2, defined=True), Closed(MIDNIGHT_NS)])
    ids = np.frombuffer(recorded(disk)["coinbase/BTC-USD/TRADES/trade_id.09.08.24.bin"], "<u8")
    assert ids.tolist() == [1, 2]


def test_nothing_is_saved_in_the_middle_of_a_flush() -> None:
    """A state without what is yet to be written would lose it."""
    disk = SimDisk()
    derived = derivation(prepared(disk))
    take(derived, [trade(MIDNIGHT_NS, 1, defined=True)])
    derived.apply(Closed(MIDNIGHT_NS))
    with pytest.raises(AssertionError, match="in the middle of a flush"):
        derived.dump()
    with pytest.raises(AssertionError, match="is not written"):
        derived.apply(Ticked())
    derived.settle()
    assert derived.dump()["closed"]


class Intruding(MemoryFiles):
    """Does something whenever bytes are appended, once it is told what."""

    def __init__(self) -> None:
        super().__init__()
        self.intrude: Callable[[], None] = lambda: None

    def append(self, path: str, data: bytes | memoryview) -> None:
        self.intrude()
        super().append(path, data)


def test_a_derivation_that_is_used_by_two_at_once_is_a_bug() -> None:
    """As loop and thread would use it if one did not wait for the other."""
    files = Intruding()
    prepared(files)
    derived = derivation(files)
    files.intrude = derived.lost
    with pytest.raises(AssertionError, match="two at once"):
        take(derived, entries_of(story(0)))


def test_frames_only_go_on() -> None:
    """A number that goes back would have frames derived twice."""
    derived = derivation(prepared())
    derived.next_seq = 5
    with pytest.raises(AssertionError, match="twice"):
        derived.next_seq = 4
