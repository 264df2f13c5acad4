"""Recordings of simulated exchanges, recordings of what is played from them, and both compared.

All in virtual time: the whole service records an exchange, and a day later the same service records
what the journal of that recording says again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import attrs
import numpy as np
import numpy.typing as npt

from tests.fakes.clock import NOON_NS, VirtualClock
from tests.fakes.memory_files import MemoryFiles
from tests.service.oracle import Rows, rows
from tests.service.world import Venue, World, running, venue
from tick_logger.model.entries import Received
from tick_logger.offload import InlineOffload
from tick_logger.playback.entries import Entries, JournalFrames, Streams, recorded_streams
from tick_logger.playback.exchange import PlayedExchange, Playing
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.simulator.exchange import SimulatedExchange

DAY_NS = 86_400 * 10**9
RECEIPT = {"recv_time", "recv_nanos"}
STOOD_IN = {("binance", "QUOTES"): ("time", "nanos")}
"""Tables whose messages have no time: that of receipt stands in for it."""


@attrs.frozen(kw_only=True)
class PlayedVenue(Venue):
    """A venue that is played from the journal of a recording."""

    recording: MemoryFiles
    playing: Playing

    def simulate(self, clock: VirtualClock, seed: int) -> SimulatedExchange:
        """The played exchange, which is served like a simulated one."""
        return cast(SimulatedExchange, played(self.name, self.recording, clock, self.playing))


def played(
    name: str, recording: MemoryFiles, clock: VirtualClock, playing: Playing
) -> PlayedExchange:
    """An exchange of a recording, at the moment from which it is played."""
    exchange = PlayedExchange(
        name,
        Entries(JournalFrames(recording), name),
        rows_beside(recording),
        clock=clock,
        offload=InlineOffload(),
        playing=playing,
    )
    assert exchange.skip()
    return exchange


class MemoryTree(MemoryFiles):
    """Files in memory as the reading interface takes them."""

    name = "memory"


def rows_beside(files: MemoryFiles) -> ColumnFiles:
    """The rows of a recording."""
    tree = MemoryTree()
    tree.contents = files.contents
    return ColumnFiles(tree, OwnPlaces(tree))


def streams_of(files: MemoryFiles, name: str) -> Streams:
    """The tables of each symbol of a recording."""
    return recorded_streams(rows_beside(files), name)


def feeds_of(name: str) -> tuple[str, ...]:
    """All that an exchange has."""
    from tick_logger.exchanges import registry

    return tuple(sorted(registry.get(name).feeds))


async def record_simulated(
    name: str,
    secs: float,
    *,
    symbols: int = 2,
    feeds: Sequence[str] = (),
    during: Callable[[World], None] | None = None,
    **options: Any,  # noqa: ANN401 - what simulations take
) -> MemoryFiles:
    """The files of a recording of these feeds, or of all, of some symbols."""
    simulated = {"messages_per_second": 40.0, **options}
    asked = venue(name, symbols, feeds=tuple(feeds) or feeds_of(name), simulated=simulated)
    async with running(asked) as world:
        await world.until(secs / 2)
        if during is not None:
            during(world)
        await world.until(secs)
        assert await world.stop() == 0
    return world.files


async def record_played(name: str, recording: MemoryFiles, secs: float, playing: Playing) -> World:
    """A world, stopped after so many seconds, that has recorded what was played to it."""
    asked = PlayedVenue(
        name=name,
        symbols=tuple(streams_of(recording, name)),
        feeds=feeds_of(name),
        recording=recording,
        playing=playing,
    )
    async with running(asked, start_ns=NOON_NS + DAY_NS) as world:
        await world.until(secs)
        assert await world.stop() == 0
    return world


def of_table(files: MemoryFiles, name: str, symbol: str, table: str) -> Rows:
    """What is on disk of one table."""
    return rows(files, name, symbol, table)


def differing(before: Rows, after: Rows, *, but: Sequence[str] = ()) -> list[str]:
    """The columns, beside those of receipt, in which two tables are not the same."""
    if len(before) != len(after):
        return [f"{len(before)} rows became {len(after)}"]
    return [
        name
        for name, column in before.columns.items()
        if name not in {*RECEIPT, *but} and column.tobytes() != after.columns[name].tobytes()
    ]


def book_at(found: Rows, until: int) -> Mapping[tuple[int, float], float]:
    """The book that the first rows make: size by side and price."""
    book: dict[tuple[int, float], float] = {}
    snapshot = None
    sides, prices = found["side"], found["price"]
    sizes, flags = found["size"], found["flags"]
    for at in range(until):
        of = (int(found.event_ns[at]), int(found["update_id"][at])) if flags[at] & 1 else None
        if of is not None and of != snapshot:
            book.clear()
        snapshot = of
        key = int(sides[at]), float(prices[at])
        if np.isnan(prices[at]):
            continue
        if sizes[at]:
            book[key] = float(sizes[at])
        else:
            book.pop(key, None)
    return book


def late_rows(files: MemoryFiles) -> list[str]:
    """Files of rows that came late, or were set aside."""
    return [path for path, content in files.contents.items() if "/late/" in path and content]


def part(found: Rows, chosen: npt.NDArray[np.bool_]) -> Rows:
    """Some of the rows."""
    columns = {name: column[chosen] for name, column in found.columns.items()}
    return Rows(columns, found.event_ns[chosen], found.recv_ns[chosen], found.days)


def connections_of(files: MemoryFiles, name: str) -> set[str]:
    """The connections on which rows of an exchange came, as the journal tells."""
    entries, found = Entries(JournalFrames(files), name), set()
    while (taken := entries.take()) is not None:
        for entry in taken:
            found |= set(entry.connections) if isinstance(entry, Received) else set()
    return found
