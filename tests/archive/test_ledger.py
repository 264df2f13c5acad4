"""The ledger: what it says is durable, and survives a cut of the power at any moment."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.sim_disk import SimDisk
from tick_logger.archive.keys import LEDGER
from tick_logger.archive.ledger import (
    Covered,
    Ledger,
    Packed,
    Released,
    Step,
    Stored,
    Verified,
    Where,
)
from tick_logger.errors import StorageError

KEY, SHA = "data/table=trades/exchange=okx/date=2026-11-29/a-0123456789ab.parquet", "01" * 32
PACKED = Packed(
    at_ns=1, job="j", key=KEY, sha256=SHA, size=10, rows=3, exchange="okx", day=5, table="trades",
    late={"BTC-USDT": 2},
)  # fmt: skip
STEPS: tuple[Step, ...] = (
    PACKED,
    Stored(at_ns=2, key=KEY, where=Where.BUCKET),
    Verified(at_ns=3, key=KEY, where=Where.BUCKET, sha256=SHA),
    Released(at_ns=4, exchange="okx", day=5),
)


def told(ledger: Ledger) -> tuple[object, ...]:
    """What it answers about the steps above."""
    return (
        ledger.packed("j"),
        ledger.is_stored(KEY, Where.BUCKET),
        ledger.is_verified(KEY, Where.BUCKET),
        ledger.is_released("okx", 5),
    )


def test_each_step_is_known_at_once_and_by_the_next_process() -> None:
    """Before it nothing is."""
    files = MemoryFiles()
    ledger = Ledger(files)
    assert told(ledger) == (None, False, False, False)
    for count, step in enumerate(STEPS, start=1):
        ledger.add(step)
        expected = (PACKED, *(number < count for number in (1, 2, 3)))
        assert told(ledger) == expected
        assert told(Ledger(files)) == expected


def test_another_place_is_not_meant() -> None:
    """What lies in the bucket need not lie here."""
    ledger = Ledger(MemoryFiles())
    for step in STEPS[:3]:
        ledger.add(step)
    assert not ledger.is_verified(KEY, Where.LOCAL)
    assert (ledger.kept_bytes(Where.BUCKET), ledger.waiting(Where.BUCKET)) == (10, [])
    assert (ledger.kept_bytes(Where.LOCAL), ledger.waiting(Where.LOCAL)) == (0, [PACKED])
    assert ledger.of_day("okx", 5, "trades") == [PACKED]
    assert ledger.of_day("okx", 6, "trades") == []


def counted(taken: list[Step], where: Where) -> tuple[int, set[str]]:
    """Bytes that are verified in a place, and the keys of those that are not, from all steps."""
    newest = {step.key: step for step in taken if isinstance(step, Packed)}
    read = {x.key: x.sha256 for x in taken if isinstance(x, Verified) and x.where is where}
    waiting = {key for key, each in newest.items() if read.get(key) != each.sha256}
    return sum(each.size for key, each in newest.items() if key not in waiting), waiting


def frames(taken: list[Step]) -> set[int]:
    """Those that are covered."""
    runs = [range(x.first_seq, x.next_seq) for x in taken if isinstance(x, Covered)]
    return {number for run in runs for number in run}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_up_is_what_all_steps_give(seed: int) -> None:
    """In whatever order things are packed again, verified here and there, and covered."""
    rng, taken = Random(seed), list[Step]()
    ledger = Ledger(MemoryFiles())
    for number in range(60):
        packed = [step for step in taken if isinstance(step, Packed)]
        step: Step
        if rng.random() < 0.4 or not packed:
            table, name = rng.choice(("trades", "sums")), rng.randrange(8)
            step = Packed(
                at_ns=number, job=str(number), key=f"{table} {name}", sha256=str(rng.randrange(9)),
                size=1 + name, rows=0, exchange="okx", day=name % 2, table=table,
            )  # fmt: skip
        elif rng.random() < 0.7:
            one = {each.key: each for each in packed}[rng.choice(packed).key]
            where = rng.choice(list(Where))
            step = Verified(at_ns=number, key=one.key, where=where, sha256=one.sha256)
        else:
            first = rng.randrange(90)
            step = Covered(at_ns=number, first_seq=first, next_seq=first + rng.randrange(1, 9))
        taken.append(step)
        ledger.add(step)
        for where in Where:
            size, waiting = counted(taken, where)
            assert ledger.kept_bytes(where) == size
            assert {each.key for each in ledger.waiting(where)} == waiting
        runs = ledger.covered()
        assert {number for run in runs for number in range(*run)} == frames(taken)
        assert all(a[1] < b[0] for a, b in pairwise(runs))
        last = {(x.exchange, x.day): x.table for x in taken if isinstance(x, Packed)}
        assert set(ledger.unlisted()) == {day for day, table in last.items() if table != "sums"}


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_torn_line_is_no_step_and_is_cut_off_before_the_next(cut: int) -> None:
    """The step is taken again."""
    files = MemoryFiles()
    ledger = Ledger(files)
    ledger.add(STEPS[0])
    size = files.size(LEDGER)
    ledger.add(STEPS[1])
    files.truncate(LEDGER, max(files.size(LEDGER) - cut, size))
    again = Ledger(files)
    assert told(again) == (PACKED, False, False, False)
    again.add(STEPS[1])
    assert told(Ledger(files)) == (PACKED, True, False, False)


def test_a_line_that_is_no_step_is_an_error_that_names_it() -> None:
    """Somebody has written into it; nothing is guessed."""
    files = MemoryFiles()
    Ledger(files).add(PACKED)
    files.append(LEDGER, b'{"step":"melted"}\n')
    with pytest.raises(StorageError, match=r"ledger.jsonl, line 2: "):
        Ledger(files)


def test_the_power_takes_no_step_that_was_taken() -> None:
    """Cut after each: what was added before is there."""
    for count in range(1, len(STEPS) + 1):
        disk = SimDisk()
        ledger = Ledger(disk)
        for step in STEPS[:count]:
            ledger.add(step)
        disk.crash(Random(count))
        assert told(Ledger(disk)) == told(ledger)
