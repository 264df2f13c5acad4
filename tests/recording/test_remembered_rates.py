"""Rates are remembered, and no disk, however bad, costs more than this memory."""

from __future__ import annotations

import errno
from random import Random

import pytest
import structlog
import trio
from trio.testing import MockClock

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import SimDisk
from tick_logger.offload import InlineOffload
from tick_logger.recording.remembered_rates import (
    RECALLED_WITHIN_SECS,
    REMEMBERED_WITHIN_SECS,
    RememberedRates,
)
from tick_logger.storage.rates_file import MOST_BYTES

RATES = {"BTCUSDT": {"trades": 12.5}}


async def test_the_next_process_knows_them() -> None:
    """Of each exchange its own; of one that was never recorded nothing, and that is no news."""
    files = MemoryFiles()
    await RememberedRates(files, InlineOffload()).remember("alpha", RATES)
    with structlog.testing.capture_logs() as said:
        found = RememberedRates(files, InlineOffload())
        assert await found.recall("alpha") == RATES
        assert await found.recall("beta") == {}
    assert said == []


async def test_a_file_that_cannot_be_read_is_forgotten() -> None:
    """With a line that says why."""
    disk = SimDisk(Random(0))
    remembered = RememberedRates(disk, InlineOffload())
    await remembered.remember("alpha", RATES)
    disk.fail("read", number=errno.EIO)
    with structlog.testing.capture_logs() as said:
        assert await remembered.recall("alpha") == {}
    assert [line["event"] for line in said] == ["rates_forgotten"]


async def test_a_file_that_is_far_too_large_is_not_read() -> None:
    """It is none of ours."""
    files = MemoryFiles()
    files.replace("alpha/rates.json", b" " * (MOST_BYTES + 1))
    with structlog.testing.capture_logs() as said:
        assert await RememberedRates(files, InlineOffload()).recall("alpha") == {}
    assert "may have 8,388,608" in said[0]["reason"]


@pytest.mark.parametrize("operation", ["replace", "*"])
async def test_a_disk_that_takes_nothing_is_told(operation: str) -> None:
    """What was there stays."""
    disk = SimDisk(Random(0))
    remembered = RememberedRates(disk, InlineOffload())
    await remembered.remember("alpha", RATES)
    disk.fail(*([operation] if operation != "*" else []), number=errno.ENOSPC, times=1)
    with structlog.testing.capture_logs() as said:
        await remembered.remember("alpha", {"ETHUSDT": {"trades": 1.0}})
    assert [line["event"] for line in said] == ["rates_not_remembered"]
    assert await remembered.recall("alpha") == RATES


async def test_a_disk_that_does_not_answer_is_not_waited_for(autojump_clock: MockClock) -> None:
    """Connections are made after a second, whatever it does."""
    offload = StallingOffload()
    offload.stall()
    remembered = RememberedRates(MemoryFiles(), offload)
    with structlog.testing.capture_logs() as said:
        began = trio.current_time()
        assert await remembered.recall("alpha") == {}
        assert trio.current_time() == began + RECALLED_WITHIN_SECS
        await remembered.remember("alpha", RATES)
        assert trio.current_time() == began + RECALLED_WITHIN_SECS + REMEMBERED_WITHIN_SECS
    assert [line["event"] for line in said] == ["rates_forgotten", "rates_not_remembered"]
