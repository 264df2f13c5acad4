"""The troubles that a story can have: each begins something, and returns what ends it.

Whatever is asked for here hits the world outside of the service: exchanges, network, disk, clock,
and, as the only part of the service, an adapter that fails on some payloads.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs
import trio

from tests.fakes.clock import VirtualClock
from tests.fakes.dial import MemoryDial
from tests.sim.disk import StoryDisk, StoryOffload
from tests.sim.poison import Poison, Undo
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults

MOST_CLOCK_STEP_SECS = 3600.0
"""Of this machine; enough for zones, and little enough for lives to outlast half of them."""


class Stage(Protocol):
    """What troubles can be made for."""

    clock: VirtualClock
    disk: StoryDisk
    offload: StoryOffload
    exchanges: dict[str, SimulatedExchange]
    poison: Poison
    silenced: list[float]  # when subscriptions fell silent, in seconds of trio's clock
    nursery: trio.Nursery

    async def start_another(self) -> None:
        """Let a second process start beside the one that records."""
        ...

    @property
    def dials(self) -> Mapping[str, MemoryDial]:
        """By exchange."""
        ...


# -- exchanges ------------------------------------------------------------------------------------


def misbehave(stage: Stage, **faults: object) -> Undo:
    """Let all exchanges have these faults beside those that they have."""
    before = [(each, each._hub.faults) for each in stage.exchanges.values()]
    for exchange, old in before:
        exchange.set_faults(attrs.evolve(old, **faults))  # type: ignore[arg-type]

    def undo() -> None:
        usual = Faults()
        for exchange, _ in before:
            kept = {name: getattr(usual, name) for name in faults}
            exchange.set_faults(attrs.evolve(exchange._hub.faults, **kept))

    return undo


def cuts(stage: Stage, size: float) -> Undo:
    """Connections last a few seconds, and end without a word."""
    return misbehave(stage, cut_after_secs=(0.2, 1 + 20 * size), abrupt_cut_probability=1.0)


def closes(stage: Stage, size: float) -> Undo:
    """Connections last a few seconds, and end with a close frame."""
    return misbehave(stage, cut_after_secs=(0.2, 1 + 20 * size), abrupt_cut_probability=0.0)


def half_open(stage: Stage, size: float) -> Undo:
    """Connections fall silent, and neither side knows."""
    return misbehave(stage, half_open_after_secs=(0.2, 5.0), half_open_secs=5 + 100 * size)


def stalls(stage: Stage, size: float) -> Undo:
    """Connections fall silent, and then everything comes at once."""
    return misbehave(stage, stall_after_secs=(0.0, 3.0), stall_secs=1 + 15 * size)


def garbage(stage: Stage, size: float) -> Undo:
    """Nonsense among the messages."""
    return misbehave(stage, garbage_probability=0.01 + 0.3 * size)


def duplicates(stage: Stage, size: float) -> Undo:
    """Messages that come twice."""
    return misbehave(stage, duplicate_probability=0.01 + 0.5 * size)


def disorder(stage: Stage, size: float) -> Undo:
    """Messages that come after the next one."""
    return misbehave(stage, reorder_probability=0.01 + 0.5 * size)


def id_holes(stage: Stage, size: float) -> Undo:
    """Trades that nobody is told of."""
    return misbehave(stage, id_hole_probability=0.01 + 0.3 * size)


def loss(stage: Stage, size: float) -> Undo:
    """Messages that do not reach one of the connections, and nobody knows."""
    return misbehave(stage, lose_probability=0.005 + 0.15 * size**2)


def silences(stage: Stage, _size: float) -> Undo:
    """Subscriptions that are acknowledged and deliver nothing."""
    stage.silenced.append(trio.current_time())
    symbols = {each.truth.symbols()[-1] for each in stage.exchanges.values()}
    return misbehave(stage, silent_symbols=frozenset(symbols))


def farewells(stage: Stage, _size: float) -> Undo:
    """Venues announce that they will close their connections, and do so."""
    told = [exchange for exchange in stage.exchanges.values() if exchange.announce_shutdown()]

    def undo() -> None:
        for exchange in told:
            exchange.cut_all(abrupt=False)

    return undo


def refused(stage: Stage, _size: float) -> Undo:
    """Symbols that may not be subscribed to."""
    symbols = {each.truth.symbols()[-1] for each in stage.exchanges.values()}
    return misbehave(stage, refused_symbols=frozenset(symbols))


def never_acked(stage: Stage, _size: float) -> Undo:
    """Requests that are ignored."""
    symbols = {each.truth.symbols()[-1] for each in stage.exchanges.values()}
    return misbehave(stage, never_acked_symbols=frozenset(symbols))


def late_acks(stage: Stage, size: float) -> Undo:
    """Requests that take their time."""
    return misbehave(stage, ack_delay_secs=4 * size)


def rest_errors(stage: Stage, _size: float) -> Undo:
    """REST requests that fail."""
    return misbehave(stage, rest_status=503)


def ids_again(stage: Stage, size: float) -> Undo:
    """Ids of trades, and at some venues of quotes and books, begin again."""
    for exchange in stage.exchanges.values():
        if exchange.name in [*stage.exchanges][: 1 + int(size * len(stage.exchanges))]:
            exchange.begin_ids_again()
    return _nothing


def told_to_wait(stage: Stage, size: float) -> Undo:
    """Whoever asks or connects is told to come back later, and may not come sooner."""
    return misbehave(
        stage, rest_status=429, upgrade_status=429, retry_after=str(1 + round(8 * size))
    )


def busy_closes(stage: Stage, size: float) -> Undo:
    """Connections last a few seconds, and end with a wish to be left alone for some more."""
    secs = 1 + round(4 * size)
    return misbehave(
        stage,
        cut_after_secs=(0.2, 1 + 20 * size),
        abrupt_cut_probability=0.0,
        close_with=(1013, f"try again in {secs} s"),
    )


def odd_listings(stage: Stage, _size: float) -> Undo:
    """Listings have entries that make no sense."""
    return misbehave(stage, odd_listing=True)


def unlisted(stage: Stage, _size: float) -> Undo:
    """Listings lack symbols that trade."""
    symbols = {each.truth.symbols()[-1] for each in stage.exchanges.values()}
    return misbehave(stage, unlisted_symbols=frozenset(symbols))


def halts(stage: Stage, _size: float) -> Undo:
    """Symbols do not trade, and listings say so."""
    halted = [(each, each.truth.symbols()[-1]) for each in stage.exchanges.values()]
    for exchange, symbol in halted:
        exchange.delist_symbol(symbol)

    def undo() -> None:
        for exchange, symbol in halted:
            exchange.list_symbol(symbol)

    return undo


def all_cut(stage: Stage, size: float) -> Undo:
    """Every connection at once."""
    for exchange in stage.exchanges.values():
        exchange.cut_all(abrupt=size < 0.5)
    return _nothing


def no_dialling(stage: Stage, _size: float) -> Undo:
    """Nobody gets a connection."""
    for dial in stage.dials.values():
        dial.refusals = 1_000_000

    def undo() -> None:
        for dial in stage.dials.values():  # perhaps those of a later process
            dial.refusals = 0

    return undo


# -- disk -----------------------------------------------------------------------------------------


def slow_disk(stage: Stage, size: float) -> Undo:
    """Everything on the disk takes long."""
    return stage.offload.delay(1.5 * size**2)


def stalled_disk(stage: Stage, _size: float) -> Undo:
    """The disk does not answer."""
    return stage.offload.stall()


def disk_full(stage: Stage, size: float) -> Undo:
    """No space, until somebody makes some."""
    disk = stage.disk
    disk.capacity_bytes = disk.used_bytes + int(20_000 * size)

    def undo() -> None:
        disk.capacity_bytes = None

    return undo


def write_errors(stage: Stage, size: float) -> Undo:
    """Some appends fail."""
    return stage.disk.failing("append", number=errno.EIO, times=1 + int(3 * size))


def journal_write_errors(stage: Stage, size: float) -> Undo:
    """Some appends to the journal fail."""
    return stage.disk.failing(
        "append", number=errno.EIO, path="journal/*.tlj", times=1 + int(5 * size)
    )


def column_write_errors(stage: Stage, _size: float) -> Undo:
    """Column files cannot be written."""
    return stage.disk.failing("append", number=errno.EIO, path="*.bin")


def file_sync_errors(stage: Stage, size: float) -> Undo:
    """Some syncs of files fail, and lose what they should have written."""
    return stage.disk.failing("sync_file", number=errno.EIO, times=1 + int(3 * size))


def sync_errors(stage: Stage, size: float) -> Undo:
    """Some syncs of everything fail, and lose what they should have written."""
    return stage.disk.failing("sync", number=errno.EIO, times=1 + int(2 * size))


def folder_sync_errors(stage: Stage, size: float) -> Undo:
    """Some syncs of folders fail."""
    return stage.disk.failing("sync_folder", number=errno.EIO, times=1 + int(3 * size))


def truncate_errors(stage: Stage, size: float) -> Undo:
    """Files cannot be cut back."""
    return stage.disk.failing("truncate", number=errno.EIO, times=1 + int(3 * size))


def read_errors(stage: Stage, size: float) -> Undo:
    """Some reads fail."""
    return stage.disk.failing("read", number=errno.EIO, times=1 + int(3 * size))


def read_only_disk(stage: Stage, _size: float) -> Undo:
    """Nothing can be changed."""
    return stage.disk.failing("append", "truncate", "remove", "lock", number=errno.EROFS)


def dead_disk(stage: Stage, _size: float) -> Undo:
    """Nothing works at all."""
    return stage.disk.failing(number=errno.EIO)


# -- clock, adapter and user ----------------------------------------------------------------------


def clock_forward(stage: Stage, size: float) -> Undo:
    """The wall clock of the service is set."""
    stage.clock.step(MOST_CLOCK_STEP_SECS * size**4)
    return _nothing


def clock_back(stage: Stage, size: float) -> Undo:
    """As `clock_forward`, the other way."""
    stage.clock.step(-MOST_CLOCK_STEP_SECS * size**4)
    return _nothing


def adapter_bug(stage: Stage, size: float) -> Undo:
    """An adapter fails on what comes now."""
    names = list(stage.exchanges)
    return stage.poison.begin(names[int(size * len(names))])


def second_process(stage: Stage, _size: float) -> Undo:
    """Somebody starts the service once more, on the same directory."""
    stage.nursery.start_soon(stage.start_another)
    return _nothing


def _nothing() -> None:
    """For what is over at once."""


BEGIN: dict[str, Callable[[Stage, float], Undo]] = {
    each.__name__: each
    for each in (
        cuts, closes, half_open, stalls, garbage, duplicates, disorder, id_holes, loss, silences,
        farewells, refused, never_acked, late_acks, rest_errors, all_cut, no_dialling,
        told_to_wait, busy_closes, ids_again, odd_listings, unlisted, halts,
        slow_disk, stalled_disk, disk_full, write_errors, journal_write_errors,
        column_write_errors, file_sync_errors, sync_errors, folder_sync_errors, truncate_errors,
        read_errors, read_only_disk, dead_disk,
        clock_forward, clock_back, adapter_bug, second_process,
    )
}  # fmt: skip
