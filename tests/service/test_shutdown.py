"""The end, at random times: by a signal, a bug, with a disk in trouble, a disk that hangs.

Each kind runs under 200 seeds; a seed decides on the venue, the mishaps and the moment.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Mapping, Sequence
from random import Random

import pytest
import trio

from tests.fakes.offload import StallingOffload
from tests.fakes.sim_disk import SYNCS, WRITES, SimDisk
from tests.service.bugs import Bugs, with_bugs
from tests.service.oracle import check, check_trades, rows
from tests.service.world import Venue, World, binance, coinbase, dense, in_virtual_time, running
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange
from tick_logger.exchanges.binance import Binance
from tick_logger.exchanges.coinbase import Coinbase
from tick_logger.simulator.faults import Faults
from tick_logger.verify.tree import verify

LONGEST_SECS = 2.0
SEEDS = [range(start, start + 20) for start in range(0, 200, 20)]
AT_EACH_CHANGE = 2
"""Of these groups; the others are tried seldom."""

in_groups = pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(seeds, marks=[pytest.mark.seldom] if number >= AT_EACH_CHANGE else [])
        for number, seeds in enumerate(SEEDS)
    ],
    ids=lambda seeds: f"from{seeds[0]}",
)


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
        world.signals.send(number)


# -- bugs -----------------------------------------------------------------------------------------


def with_these(adapters: Mapping[str, Exchange]) -> Callable[[str], Exchange]:
    """In place of `registry.get`."""
    get = registry.get
    return lambda name: adapters.get(name) or get(name)


@in_groups
def test_a_bug_in_an_adapter_loses_nothing_else(
    seeds: Sequence[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it had decoded is on disk, like everything of the other exchange; exit code 1."""
    for seed in seeds:
        rng = Random(seed)
        bugs = Bugs(rng.uniform(0.3, LONGEST_SECS), rng.choice(["decode", "subscribe"]))
        adapters = {"binance": with_bugs(Binance, bugs), "coinbase": Coinbase()}
        monkeypatch.setattr(registry, "get", with_these(adapters))
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
        _, symbol = world.service._resources.instruments.name(instrument)
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
        assert world.elapsed < bugs.at + 0.021
        world.stopped_ns = world.venue_clock.now_ns()
    check_trades(world, "coinbase", "BTC-USD")
    on_disk = rows(world.files, "binance", "BTCUSDT", "TRADES")["trade_id"]
    instrument = world.service._resources.instruments.of("binance")["BTCUSDT"]
    assert set(on_disk.tolist()) == bugs.decoded[instrument] != set()
    assert verify(world.files, dense=dense).ok


def test_a_bug_that_shows_in_a_flood(monkeypatch: pytest.MonkeyPatch) -> None:
    """Noticed amid the library's reading of a socket, it ends the process within one linger."""
    bugs = Bugs(5.0123, "decode")
    adapters = {"binance": with_bugs(Binance, bugs), "coinbase": Coinbase()}
    monkeypatch.setattr(registry, "get", with_these(adapters))
    in_virtual_time(bug_in_a_flood, bugs)


# -- a disk in trouble ----------------------------------------------------------------------------


@in_groups
def test_a_disk_that_recovers_before_the_deadline_costs_nothing(seeds: Sequence[int]) -> None:
    """Full, or failing, when the signal comes: everything is on disk in the end; exit code 0."""
    for seed in seeds:
        in_virtual_time(end_in_trouble, seed)


async def end_in_trouble(seed: int) -> None:
    rng = Random(seed)
    disk = SimDisk(rng)
    venue = rng.choice([binance, coinbase])(simulated={"messages_per_second": 100.0})
    async with running(venue, files=disk, seed=seed, logger=restless(rng)) as world:
        await world.until(rng.uniform(0.0, LONGEST_SECS))
        trouble(disk, rng)
        await world.until(world.elapsed + rng.uniform(0.0, LONGEST_SECS))
        world.note_stop()
        world.service.stop("a test")
        await trio.sleep(rng.uniform(0.0, 5.0))
        disk.heal()
        assert await world.end() == 0
    assert world.said("crashed") == []
    assert world.said("stopped")[0]["bytes_not_written"] == 0
    check(world)


def trouble(disk: SimDisk, rng: Random) -> None:
    """Let the disk be full, or writing to it fail a few times or until it is healed."""
    match rng.randrange(4):
        case 0:
            disk.capacity_bytes = disk._used + rng.randrange(4_000)
        case 1:
            disk.fail(rng.choice([*WRITES, *SYNCS]), number=errno.EIO, times=rng.randrange(1, 4))
        case 2:
            disk.fail(rng.choice(["append", "truncate", "sync_file", "sync"]), number=errno.EIO)
        case 3:
            disk.fail("append", number=errno.ENOSPC, path=rng.choice(["journal/*", "*.bin"]))


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


async def three_signals() -> None:
    offload = StallingOffload()
    async with running(binance(), offload=offload) as world:
        await world.until(5.0)
        offload.stall()
        world.signals.send(signal.SIGTERM)
        await world.until(5.5)
        world.signals.send(signal.SIGTERM)  # a supervisor that signals twice
        await world.until(8.0)
        world.signals.send(signal.SIGINT)
        await world.until(10.0)
        assert world.code is None
        world.signals.send(signal.SIGINT)
        assert await world.end() == 4
        assert world.elapsed == pytest.approx(10.0)
    assert world.times("giving_up") == [8.0, 10.0]


def test_a_third_signal_gives_up() -> None:
    """Not at once, because signals come in pairs, nor with the second, which only spares time."""
    in_virtual_time(three_signals)
