"""What the torture says of a recorder that was stopped, asked and killed; and that it is so."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import trio

from scripts.torture_rig import crashes
from scripts.torture_rig.ledger import Stream
from scripts.torture_rig.queues import MOST_READ_BYTES, Account, Tape
from scripts.torture_rig.rows import RECORDS
from scripts.torture_rig.trial import Rig, Settings, Trial
from scripts.torture_rig.venues import open_venues

STREAM = Stream("venue", "BTC", "QUOTES")
SIZE = RECORDS["QUOTES"].itemsize
ROUNDS = 3


def row(number: int) -> bytes:
    return number.to_bytes(SIZE, "little")


def judged(on_disk: set[int], *, read_bytes: int, message_bytes: int = 100) -> Account:
    """Of ten messages, sent 5 ms apart."""
    tape = Tape(1)
    for number in range(10):
        end = (number + 1) * message_bytes
        tape.messages.append((end, number * 5_000_000, STREAM, row(number)))
    account = Account()
    account._judge(tape, read_bytes, {STREAM: set(map(row, on_disk))})
    return account


def test_what_was_not_read_whole_is_not_due() -> None:
    """A message of which a byte was not read may be missing, and may be there."""
    for on_disk in (range(7), range(8)):
        account = judged({*on_disk}, read_bytes=799)
        assert (account.read_rows, account.missing, account.amiss) == (7, 0, [])


def test_the_last_read_may_be_missing_and_is_told() -> None:
    """With how much it was."""
    account = judged({*range(6)}, read_bytes=850)
    assert (account.missing, account.short, account.amiss) == (2, 1, [])
    assert (account.longest_bytes, account.longest_ns) == (250, 5_000_000)


def test_more_than_one_read_is_amiss() -> None:
    """And so is what is missing before something that is there."""
    size = MOST_READ_BYTES // 2
    assert judged({*range(7)}, read_bytes=10 * size, message_bytes=size).amiss
    assert judged({*range(10)} - {4}, read_bytes=1000).amiss


@pytest.mark.slow
@pytest.mark.seldom
def test_a_recorder_that_is_killed_has_lost_one_read_at_most(tmp_path: Path) -> None:
    """The real program, at 2,000 messages a second, some times in one directory."""

    async def torture() -> Trial:
        async with open_venues(2000.0, 1) as venues:
            settings = Settings(1.0, 1.0, True, {"kills": ROUNDS})
            trial = Trial(Rig(settings, venues, Random(1)), "kill", tmp_path, tmp_path / "data")
            await crashes.kills_by_reads(trial)
            trial.judge()
            return trial

    trial = trio.run(torture)
    assert trial.troubles == []
    assert (trial.verdict.lost, trial.verdict.wrong, trial.verdict.untold) == (0, 0, 0)
    (figures,) = trial.figures
    assert figures.startswith(f"{ROUNDS} rounds")
