"""The end, at random times: by a signal, a bug, a full disk, a disk that hangs.

Each kind runs under 200 seeds; a seed decides on the venue, the mishaps and the moment.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Mapping, Sequence
from random import Random

import pytest
import trio

from tests.fakes.memory_files import MemoryFiles
from tests.fakes.offload import StallingOffload
from tests.service.oracle import check, check_trades, rows
from tests.service.world import Venue, World, binance, coinbase, dense, in_virtual_time, running
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Decoded, Exchange, Request, Subscription
from tick_logger.exchanges.binance import Binance
from tick_logger.exchanges.coinbase import Coinbase
from tick_logger.model.tables import Table
from tick_logger.simulator.faults import Faults
from tick_logger.storage.verify import verify

LONGEST_SECS = 2.0
SEEDS = [range(start, start + 20) for start in range(0, 200, 20)]
in_groups = pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: f"from{seeds[0]}")


def troubled(rng: Random) -> Venue:
    """One of the venues, whose messages come in disorder, and whose connections do not last."""
    faults = Faults(
        cut_after_secs=rng.choice([None, (0.5, 4.0)]),
        abrupt_cut_probability=0.5,
        duplicate_probability=0.1,
        reorder_probability=0.1,
        stall_after_secs=rng.choice([None, None, (0.0, 2.0)]),
        stall_secs=0.5,
    )
    busy = {"faults": faults, "messages_per_second": 60.0, "step_secs": 0.1}
    return rng.choice([binance, coinbase])(simulated=busy)


def restless(rng: Random) -> dict[str, float]:
    """Flushes at odd times, and frames that may wait long to be decoded."""
    return {"flush_interval_secs": rng.uniform(0.1, 0.6), "linger_ms": rng.choice([0, 20, 80])}


# -- signals --------------------------------------------------------------------------------------


@in_groups
def test_a_signal_loses_nothing(seeds: Sequence[int]) -> None:
    """Everything that was received by then is on disk, and the exit code is 0."""
    for seed in seeds:
        in_virtual_time(stop_by_signal, seed)


async def stop_by_signal(seed: int) -> None:
    rng = Random(seed)
    async with running(troubled(rng), seed=seed, logger=restless(rng)) as world:
        await world.until(rng.uniform(0.0, LONGEST_SECS))
        world.note_stop()
        stop_now(world, rng.choice([signal.SIGINT, signal.SIGTERM, None]))
        with trio.fail_after(1.0):
            assert await world.end() == 0
    check(world)
    assert world.said("stopped")[0]["bytes_not_written"] == 0


def stop_now(world: World, number: signal.Signals | None) -> None:
    if number is None:
        world.service.stop("a test")
    else:
        signal.raise_signal(number)


# -- bugs -----------------------------------------------------------------------------------------


class Bugs:
    """When an adapter's bug shows, and what the adapter had decoded before."""

    def __init__(self, at: float, where: str) -> None:
        self.at = at
        self.where = where
        self.decoded: dict[int, set[int]] = defaultdict(set)  # trade ids by instrument

    def show(self, where: str) -> None:
        """Raise what nobody expects, in the place chosen and once it is time."""
        if where == self.where and trio.current_time() >= self.at:
            raise KeyError("a bug")

    def note(self, decoded: Decoded) -> Decoded:
        """Remember the trades."""
        for found in decoded.rows:
            if found.table is Table.TRADES:
                pairs = zip(found.columns["instrument"], found.columns["seq"], strict=True)
                for instrument, number in pairs:
                    self.decoded[int(instrument)].add(int(number))
        return decoded


def with_bugs(sound: type[Exchange], bugs: Bugs) -> Exchange:
    """The adapter with a bug in decoding, or in what its connections' tasks call."""

    class Buggy(sound):  # type: ignore[misc, valid-type]
        def decode(self, payloads: Sequence[bytes], instruments: Mapping[str, int]) -> Decoded:
            bugs.show("decode")
            return bugs.note(super().decode(payloads, instruments))

        def subscribe(self, wanted: Sequence[Subscription], first_id: int) -> list[Request]:
            bugs.show("subscribe")
            return list(super().subscribe(wanted, first_id))

    return Buggy()


@in_groups
def test_a_bug_in_an_adapter_loses_nothing_else(
    seeds: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had decoded is on disk, like everything of the other exchange; exit code 1."""
    for seed in seeds:
        rng = Random(seed)
        bugs = Bugs(rng.uniform(0.3, LONGEST_SECS), rng.choice(["decode", "subscribe"]))
        adapters = {"binance": with_bugs(Binance, bugs), "coinbase": Coinbase()}
        monkeypatch.setattr(registry, "get", adapters.__getitem__)
        in_virtual_time(end_by_bug, seed, bugs, rng)


async def end_by_bug(seed: int, bugs: Bugs, rng: Random) -> None:
    busy = {"messages_per_second": 60.0, "step_secs": 0.2}
    cut = {**busy, "faults": Faults(cut_after_secs=(0.3, 2.0))}
    impatient = {"reconnect_initial_secs": 0.1, "reconnect_max_secs": 0.1}
    venues = binance(simulated=cut, config=impatient), coinbase(simulated=busy)
    async with running(*venues, seed=seed, logger=restless(rng)) as world:
        with trio.fail_after(30.0):
            assert await world.end() == 1
        (crash,) = world.said("crashed")
        world.stopped_ns = world.venue_clock.now_ns() - round(
            (trio.current_time() - crash["at"]) * 1e9
        )
    for instrument, numbers in bugs.decoded.items():
        _, symbol = world.service._instruments.name(instrument)
        found = rows(world.files, "binance", symbol, "TRADES")
        late = rows(world.files, "binance", symbol, "TRADES", late=True)
        on_disk = {*found["trade_id"].tolist(), *late["trade_id"].tolist()}
        assert numbers == on_disk
    for symbol in world.exchanges["coinbase"].truth.symbols():
        check_trades(world, "coinbase", symbol)
    assert verify(world.files, dense=dense).ok


async def bug_in_a_flood(bugs: Bugs) -> None:
    async with running(binance(), coinbase()) as world:
        await world.until(bugs.at)
        for client in list(world.exchanges["binance"]._hub.clients):
            for _ in range(5000):  # so many do not linger: whoever reads them decodes them
                client.reply(b"flood")
        assert await world.end() == 1
        assert world.elapsed == pytest.approx(bugs.at)
        world.stopped_ns = world.venue_clock.now_ns()
    check_trades(world, "coinbase", "BTC-USD")
    on_disk = rows(world.files, "binance", "BTCUSDT", "TRADES")["trade_id"]
    instrument = world.service._instruments.of("binance")["BTCUSDT"]
    assert set(on_disk.tolist()) == bugs.decoded[instrument] != set()
    assert verify(world.files, dense=dense).ok


def test_a_bug_that_shows_in_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raised amid the library's reading of a socket, it ends the process all the same."""
    bugs = Bugs(5.0123, "decode")
    adapters = {"binance": with_bugs(Binance, bugs), "coinbase": Coinbase()}
    monkeypatch.setattr(registry, "get", adapters.__getitem__)
    in_virtual_time(bug_in_a_flood, bugs)


# -- a disk that fails ----------------------------------------------------------------------------


@in_groups
def test_a_full_disk_ends_in_a_consistent_recording(seeds: Sequence[int]) -> None:
    """Exit code 3, no hang, and what was saved passes every check."""
    for seed in seeds:
        in_virtual_time(end_by_disk, seed)


async def end_by_disk(seed: int) -> None:
    rng = Random(seed)
    files = MemoryFiles()
    if rng.random() < 0.5:
        files.capacity_bytes = rng.randrange(8_000)
    else:
        files.fail_at = rng.randrange(1, 250)
    busy = {"messages_per_second": 100.0, "step_secs": 0.1}
    venue = rng.choice([binance, coinbase])(simulated=busy)
    async with running(venue, files=files, seed=seed, logger=restless(rng)) as world:
        with trio.move_on_after(60.0):
            await world.end()
        assert world.code == 3
    lines = world.said("storage_failed", level="error")
    assert lines
    assert world.said("crashed") == []
    files.heal()
    report = verify(files, dense=dense)
    assert report.ok, [str(finding) for finding in report.findings]
    for symbol in world.exchange.truth.symbols():
        rows(files, world.exchange.name, symbol, "TRADES")
    assert f"{report.rows:,} rows are on disk" in world.said("stopped")[0]["outcome"]


# -- a disk that hangs ----------------------------------------------------------------------------


@in_groups
def test_a_disk_that_hangs_does_not_keep_the_process(seeds: Sequence[int]) -> None:
    """The deadline holds to the moment, the exit code is 4, and what is on disk is sound."""
    for seed in seeds:
        in_virtual_time(end_by_deadline, seed)


async def end_by_deadline(seed: int) -> None:
    rng = Random(seed)
    offload = StallingOffload()
    logger = {**restless(rng), "shutdown_timeout_secs": 3.0}
    async with running(troubled(rng), offload=offload, logger=logger, seed=seed) as world:
        await world.until(rng.uniform(0.0, LONGEST_SECS))
        offload.stall()
        await world.until(world.elapsed + rng.uniform(0.0, LONGEST_SECS))
        world.service.stop("a test")
        stopped = trio.current_time()
        assert await world.end() == 4
        assert trio.current_time() == pytest.approx(stopped + 3.0)
    assert world.said("shutdown_deadline_passed", level="error")
    report = verify(world.files, dense=dense)
    assert report.ok, [str(finding) for finding in report.findings]


async def second_signal() -> None:
    offload = StallingOffload()
    async with running(binance(), offload=offload) as world:
        await world.until(5.0)
        offload.stall()
        signal.raise_signal(signal.SIGTERM)
        await world.until(5.5)
        signal.raise_signal(signal.SIGTERM)  # a supervisor that signals twice
        await world.until(8.0)
        assert world.code is None
        signal.raise_signal(signal.SIGINT)
        assert await world.end() == 4
        assert world.elapsed == pytest.approx(8.0)
    assert world.times("giving_up") == [8.0]


def test_a_second_signal_gives_up() -> None:
    """Not at once, because signals come in pairs; but soon it is meant."""
    in_virtual_time(second_signal)
