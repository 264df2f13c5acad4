"""An adapter that fails on what its exchange sends: what was received is safe all the same."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence

import pytest
from trio.testing import MockClock

from tests.service.lives import Lives, lives
from tests.service.oracle import causes, check, gaps
from tests.service.world import World, binance, coinbase
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded
from tick_logger.exchanges.binance import Binance
from tick_logger.exchanges.coinbase import Coinbase
from tick_logger.journal.entry_codec import decode_entries
from tick_logger.journal.reader import JournalReader
from tick_logger.model.entries import Received
from tick_logger.verify.recording import verify_recording

POISON = b"poison"


class Fragile(Binance):
    """Fails on one message and on all that is decoded with it, and has not learnt otherwise."""

    def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
        if POISON in payloads:
            raise KeyError("a bug")
        return super().decode(payloads, instruments)


@pytest.fixture(autouse=True)
def _fragile(monkeypatch: pytest.MonkeyPatch) -> None:
    adapters = {"binance": Fragile(), "coinbase": Coinbase()}
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda name: adapters.get(name) or get(name))


async def poison(world: World) -> None:
    """Let a life end by the bug, in second 5."""
    await world.until(5.05)
    for client in list(world.exchanges["binance"]._hub.clients):
        client.reply(POISON)
    assert await world.end() == 1
    assert world.said("crashed")


def kept_raw(story: Lives) -> list[Received]:
    """What is in the journal of what the adapter failed on."""
    frames = [decode_entries(frame.body) for frame in JournalReader(story.disk, from_seq=1)]
    entries = [entry for frame in frames for entry in frame if isinstance(entry, Received)]
    return [entry for entry in entries if not entry.decodable]


async def test_what_an_adapter_fails_on_is_in_the_journal(autojump_clock: MockClock) -> None:
    """As it came, and the hole in the tables has a record that says why."""
    busy = binance(simulated={"messages_per_second": 100.0})
    async with lives(busy, coinbase()) as story:
        world = await story.begin(logger={"linger_ms": 200})  # so that there is more beside it
        await poison(world)
        assert 5.05 <= world.elapsed <= 5.25
        (stopped,) = world.said("stopped")
        assert stopped["exit_code"] == 1
        assert (stopped["bytes_not_written"], stopped["messages_dropped"]) == (0, 0)
        raw = kept_raw(story)
        assert {entry.exchange for entry in raw} == {"binance"}
        payloads = [payload for entry in raw for payload in entry.split()]
        assert POISON in payloads
        assert any(b"@trade" in payload for payload in payloads)
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert causes(world.files) == {"adapter", "restart"}
    for symbol in world.exchanges["binance"].truth.symbols():
        holes = gaps(world.files, "binance", symbol, "TRADES")
        assert "adapter" in {hole["cause"] for hole in holes}
    assert verify_recording(story.disk, deep=True).ok


async def test_a_start_with_the_same_bug_gets_over_the_old_data(autojump_clock: MockClock) -> None:
    """It is written down with it that it cannot be decoded: only new data shows the bug again."""
    async with lives(binance(), coinbase()) as story:
        world = await story.begin()
        await world.until(4.0)
        story.disk.fail("append", number=errno.EIO, path="*.bin")
        await poison(world)
        assert world.said("stopped")[0]["frames_not_derived"] > 0
        story.disk.heal()
        world = await story.begin()
        (line,) = world.said("continuing")
        assert line["rows_recovered"] > 10
        await poison(world)
        assert sum(POISON in entry.split() for entry in kept_raw(story)) == 2
        world = await story.begin()
        await world.until(10.123)
        assert await world.stop() == 0
    assert check(world) > 100
    assert verify_recording(story.disk, deep=True).ok
