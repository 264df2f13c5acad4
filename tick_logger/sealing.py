"""Puts together what seals and certifies the days of one run.

Not here: what that does (`archive.sealer`).
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Protocol

import attrs

from tick_logger.archive.certificate import Certificate
from tick_logger.archive.certifying import Place, Told
from tick_logger.archive.keys import date_text
from tick_logger.archive.named import Named
from tick_logger.archive.sealer import Others, Sealer
from tick_logger.archive.signing import load_key
from tick_logger.archive.summary import summary_of
from tick_logger.config.schema import Config
from tick_logger.model.times import day_of
from tick_logger.offload import Offload, ThreadOffload
from tick_logger.reader.column_files import ColumnFiles
from tick_logger.reader.places import OwnPlaces
from tick_logger.reader.source import Source
from tick_logger.reader.tree import DiskTree, FilesTree, Tree
from tick_logger.recording.resources import Resources
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.sealed_day import SealedDay
from tick_logger.version import __version__

STILL_ASKED = "the exchange is still asked for trades that were missed"
CANDLES_ASKED = "the exchange is still asked for minute candles"
"""Why a day is pending."""


class Asking(Protocol):
    """Who asks exchanges about days that are over; days are counted since 1970-01-01."""

    def is_asking(self, exchange: str, day: int) -> bool:
        """Whether an exchange is still asked for trades of a day."""
        ...

    def is_asking_for_candles(self, exchange: str, day: int) -> bool:
        """Whether it is still asked for candles of a day."""
        ...


@attrs.frozen
class _Run(Others):
    """What the rest of a run knows, and shows of days."""

    config: Config
    resources: Resources
    asking: Asking
    named: Callable[[str, int], Named]

    def begin(self) -> None:
        """Before any certificate was read: today is the next day to be sealed."""
        today = day_of(self.resources.clock.now_ns())
        for name in self.config.exchanges:
            self._shown(name).due(today, self.config.archive.seal_after_secs)

    def _shown(self, exchange: str) -> SealedDay:
        return self.resources.metrics.exchange(exchange).sealed

    def venue_ns(self, exchange: str, now_ns: int) -> int | None:
        return self.resources.times.now_ns(exchange, now_ns)

    def withheld(self, exchange: str, day: int) -> None:
        if exchange in self.config.exchanges:
            self._shown(exchange).withheld.inc()

    def told(self, exchange: str, day: int) -> Told:
        reasons = {
            STILL_ASKED: self.asking.is_asking(exchange, day),
            CANDLES_ASKED: self.asking.is_asking_for_candles(exchange, day),
        }
        pending = tuple(each for each, holds in reasons.items() if holds)
        return Told(pending=pending, named=self.named(exchange, day))

    def certified(self, exchange: str, day: int, certificate: Certificate) -> None:
        if exchange not in self.config.exchanges:
            return
        summary, shown = summary_of(certificate), self._shown(exchange)
        minutes = sum(summary.lacking.values())
        shown.certified(day, summary.coverage, summary.condition, minutes)
        newest = day if shown.day is None else shown.day
        shown.due(newest + 1, self.config.archive.seal_after_secs)
        if summary.lacking:
            get_logger().warning(
                "candles_differ",
                exchange=exchange,
                day=date_text(day),
                symbol=min(summary.lacking),
                symbols=len(summary.lacking),
                minutes=minutes,
            )


def sealer_of(
    config: Config,
    resources: Resources,
    files: Files | None,
    offload: Offload | None,
    asking: Asking,
    named: Callable[[str, int], Named],
) -> Sealer:
    """Who does that; files and threads that are given are used instead of own ones.

    `named` gives the archive's objects of an exchange and day (since 1970-01-01).  Raises
    `ConfigError` if the key cannot be used.
    """

    run = _Run(config, resources, asking, named)
    run.begin()
    return Sealer(
        place_of(config, files),
        resources.seals,
        clock=resources.clock,
        offload=offload or ThreadOffload(),
        seal_after_secs=config.archive.seal_after_secs,
        others=run,
    )


def place_of(config: Config, files: Files | None = None) -> Place:
    """Where days are certified; files that are given are used instead of own ones.

    Raises `ConfigError` if the key cannot be used.
    """
    path, key_file = config.logger.data_path, config.archive.key_file
    tree: Tree = DiskTree(path) if files is None else FilesTree(path, files)

    def source() -> Source:
        return ColumnFiles(tree, OwnPlaces(tree))

    return Place(
        files=files or DiskFiles(path, max_open=1),
        source=source,
        collector=platform.node() or "unknown",
        version=__version__,
        key=load_key(key_file) if key_file else None,
    )
