"""Brings holes and those who fill them together: what is on disk, what was found, who asks.

Reads in a worker thread of its own; a disk that hangs delays nothing but the filling of holes.

Invariant: a hole is offered when its record is written, and at the start if it is on disk, not
healed, and of the last `backfill_days`.  Not here: when a venue is asked, for what (`net.rest`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import attrs

from tick_logger.model.candles import MINUTES_PER_DAY, Candles
from tick_logger.model.flush import GapRecord
from tick_logger.model.instruments import Instruments
from tick_logger.model.surroundings import Surroundings
from tick_logger.model.times import NS_PER_DAY, day_of
from tick_logger.net.rest.backfill import BackFiller
from tick_logger.net.rest.candles import CandleRounds
from tick_logger.net.rest.holes import Hole
from tick_logger.offload import Offload
from tick_logger.reader.around_holes import open_holes, surroundings
from tick_logger.storage.candle_files import append, index, remove_old
from tick_logger.storage.files import Files
from tick_logger.storage.gap_files import standing
from tick_logger.telemetry.logs import get_logger


@attrs.frozen
class RecordedTrades:
    """The trades of one exchange on disk."""

    exchange: str
    files: Files
    offload: Offload

    async def around(self, hole: Hole) -> Surroundings:
        """The trades around a hole; raises `OSError`."""
        where = self.files, self.exchange, hole.symbol, hole.from_ns, hole.to_ns
        return await self.offload.run(lambda: surroundings(*where))


@attrs.frozen
class RecordedCandles:
    """The files of candles of one exchange."""

    exchange: str
    files: Files
    offload: Offload

    async def until(self, now_ns: int) -> Mapping[str, int]:
        """By symbol the minute (exclusive) up to which there are answers; raises `OSError`."""
        return await self.offload.run(partial(self._until, day_of(now_ns)))

    def _until(self, today: int) -> Mapping[str, int]:
        remove_old(self.files, self.exchange, today)
        found: dict[str, int] = {}
        for day in (today - 1, today):
            for symbol, minute in index(self.files, self.exchange, day).until.items():
                found[symbol] = day * MINUTES_PER_DAY + minute
        return found

    async def add(self, answers: Sequence[Candles]) -> None:
        """Write answers; raises `OSError`."""
        await self.offload.run(lambda: append(self.files, self.exchange, answers))


class Filling:
    """The back-fillers of one run, and who asks for candles, by exchange."""

    def __init__(self, instruments: Instruments, files: Files, offload: Offload) -> None:
        self._instruments = instruments
        self._files = files
        self._offload = offload
        self.fillers: dict[str, BackFiller] = {}
        self.rounds: dict[str, CandleRounds] = {}

    def is_asking(self, exchange: str, day: int) -> bool:
        """Whether holes of a UTC day (since 1970-01-01) wait until their exchange is asked."""
        filler = self.fillers.get(exchange)
        times = day * NS_PER_DAY, (day + 1) * NS_PER_DAY
        return filler is not None and filler.is_asking_between(*times)

    def is_asking_for_candles(self, exchange: str, day: int) -> bool:
        """Whether answers about the minutes of a UTC day are to come yet."""
        rounds = self.rounds.get(exchange)
        return rounds is not None and rounds.is_asking(day)

    def candles(self, exchange: str) -> RecordedCandles:
        """The files of candles of an exchange."""
        return RecordedCandles(exchange, self._files, self._offload)

    def asked(self, exchange: str) -> list[GapRecord]:
        """The holes that an exchange is asked about, or will be."""
        filler = self.fillers.get(exchange)
        return [] if filler is None else [hole.record for hole in filler.in_question()]

    def disk(self, exchange: str) -> RecordedTrades:
        """What is on disk of an exchange."""
        return RecordedTrades(exchange, self._files, self._offload)

    def heard(self, holes: Sequence[GapRecord], suspects: Sequence[GapRecord]) -> None:
        """Offer what a flush has written, and what it suspects."""
        # What is healed with the same flush need not be asked for.
        for suspected, records in ((False, standing(holes)), (True, suspects)):
            for record in records:
                self._offer(record, suspected=suspected)

    async def offer_old(self, now_ns: int, days: Mapping[str, int]) -> None:
        """Offer what earlier processes have left, of so many days by exchange."""
        self.heard(await self.old(now_ns, days), ())

    async def old(self, now_ns: int, days: Mapping[str, int]) -> list[GapRecord]:
        """The holes in trades that stand in the gaps files, of exchanges that can be asked."""
        found: list[GapRecord] = []
        for exchange in sorted(days.keys() & self.fillers.keys()):
            since = day_of(now_ns - days[exchange] * NS_PER_DAY)
            for symbol, number in sorted(self._instruments.of(exchange).items()):
                where = self._files, exchange, symbol, number, range(since, day_of(now_ns) + 1)
                try:
                    found += await self._offload.run(partial(open_holes, *where))
                except OSError as error:
                    get_logger().warning(
                        "holes_not_read", exchange=exchange, symbol=symbol, reason=str(error)
                    )
        return found

    def _offer(self, record: GapRecord, *, suspected: bool = False) -> None:
        exchange, symbol = self._instruments.name(record.instrument)
        hole = Hole.of(record, symbol, suspected=suspected)
        if hole is not None and exchange in self.fillers:
            self.fillers[exchange].offer(hole)
