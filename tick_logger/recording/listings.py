"""Writes beside the data what each exchange lists, so that old data keeps the names of its day.

Told of every listing, it writes the file of the day when that says something new.  It must never
cost any data: the caller does not wait, one listing per exchange is remembered at most, and a
failed write is a line in the log, tried again with a later listing.

Not here: what the names are (`model.symbols`), and the format (`storage.instruments_file`).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import trio

from tick_logger.clock import WallClock
from tick_logger.errors import words_of
from tick_logger.exchanges.base import Exchange
from tick_logger.model.instruments import Instrument
from tick_logger.model.symbol_rules import SymbolRules
from tick_logger.model.symbols import map_instrument
from tick_logger.model.times import day_of
from tick_logger.offload import Offload
from tick_logger.storage.files import Files
from tick_logger.storage.instruments_file import (
    SavedInstruments,
    UnreadableError,
    decode,
    encode,
    says_the_same,
    succeeding,
)
from tick_logger.storage.layout import InstrumentsPath, instruments_path
from tick_logger.telemetry.logs import get_logger

RETRY_SECS = 60.0
"""After a failed write: listings may come every few seconds, and a full disk stays full longer."""


@attrs.frozen
class _Heard:
    """A listing, and when it was received (ns since 1970-01-01 UTC)."""

    exchange: Exchange
    listing: tuple[Instrument, ...]
    read_ns: int

    @property
    def day(self) -> int:
        return day_of(self.read_ns)


class Listings:
    """The instruments files of one recording.

    `files` and `offload` must be its own: a write takes as long as the disk does.
    """

    def __init__(
        self, files: Files, offload: Offload, clock: WallClock, rules: SymbolRules
    ) -> None:
        self._files = files
        self._offload = offload
        self._clock = clock
        self._rules = rules
        self._newest: dict[str, _Heard] = {}  # written, or waiting to be
        self._waiting: dict[str, _Heard] = {}
        self._retry_at: dict[str, float] = {}  # by trio's clock
        self._told = trio.Event()
        self._log = get_logger()

    def tell(self, exchange: Exchange, listing: Sequence[Instrument]) -> None:
        """An exchange lists these now, those included that are not active; returns at once."""
        heard = _Heard(exchange, tuple(listing), self._clock.now_ns())
        before = self._newest.get(exchange.name)
        if before is not None and (before.day, before.listing) == (heard.day, heard.listing):
            return
        if trio.current_time() < self._retry_at.get(exchange.name, 0.0):
            return
        self._newest[exchange.name] = self._waiting[exchange.name] = heard
        self._told.set()

    async def run(self) -> None:
        """Write what was told, until cancelled.

        Cancellation: at once; a write that has begun leaves the old file or the new one.
        """
        while True:
            await self._told.wait()
            self._told = trio.Event()
            while self._waiting:
                await self._write(self._waiting.pop(next(iter(self._waiting))))

    async def _write(self, heard: _Heard) -> None:
        name = heard.exchange.name
        try:
            problem = await self._offload.run(lambda: self._save(heard))
        except (OSError, ValueError) as error:  # ValueError: a day or a text that no path can hold
            self._retry_at[name] = trio.current_time() + RETRY_SECS
            self._newest.pop(name, None)
            reason = words_of(error)
            self._log.warning(
                "listing_not_saved", exchange=name, reason=reason, retry_secs=RETRY_SECS
            )
            return
        self._retry_at.pop(name, None)
        if problem is not None:
            self._log.warning("listing_file_replaced", exchange=name, reason=problem)

    def _save(self, heard: _Heard) -> str | None:
        """Write the file of the day unless it says the same; runs in the thread.

        Returns what was wrong with the file that was there, if something was.  Raises `OSError`.
        """
        name = heard.exchange.name
        path = instruments_path(InstrumentsPath(name, heard.day))
        now = SavedInstruments(
            exchange=name,
            read_ns=heard.read_ns,
            proofs=heard.exchange.proofs,
            instruments=tuple(map_instrument(name, each, self._rules) for each in heard.listing),
        )
        problem = None
        if self._files.exists(path):
            try:
                before = decode(self._files.read(path))
            except UnreadableError as error:
                problem = str(error)
            else:
                now = succeeding(before, now)
                if says_the_same(before, now):
                    return None
        self._files.replace(path, encode(now))
        return problem
