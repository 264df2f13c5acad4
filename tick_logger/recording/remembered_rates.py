"""Remembers, from one process to the next, how busy the streams of each exchange are.

It must never cost any data: a file that is damaged, or that cannot be written, costs this memory
and a line in the log, and a disk that does not answer is not waited for.

Not here: what follows from rates (`net.venue.balance`), and the format (`storage.rates_file`).
"""

from __future__ import annotations

from collections.abc import Mapping

import trio

from tick_logger.errors import words_of
from tick_logger.offload import Offload
from tick_logger.storage.files import Files
from tick_logger.storage.layout import rates_path
from tick_logger.storage.rates_file import MOST_BYTES, UnreadableRatesError, decode, encode
from tick_logger.telemetry.logs import get_logger

RECALLED_WITHIN_SECS = 1.0
"""Longer than a disk takes that works; connections are not made before this."""

REMEMBERED_WITHIN_SECS = 60.0
"""Longer than a disk is slow; whoever keeps connections even waits so long."""


class RememberedRates:
    """The files of rates of one directory; `files` and `offload` must be its own."""

    def __init__(self, files: Files, offload: Offload) -> None:
        self._files = files
        self._offload = offload
        self._log = get_logger()

    async def recall(self, exchange: str) -> Mapping[str, Mapping[str, float]]:
        """Messages a second by symbol and feed, as they were remembered; empty if none were."""
        reason = f"the disk has not answered for {RECALLED_WITHIN_SECS:g} s"
        with trio.move_on_after(RECALLED_WITHIN_SECS):
            try:
                return await self._offload.run(lambda: self._read(exchange))
            except (OSError, UnreadableRatesError) as error:
                reason = words_of(error) if isinstance(error, OSError) else str(error)
        self._log.warning(
            "rates_forgotten",
            exchange=exchange,
            reason=reason,
            explanation="connections are planned as at a first start; rates are learned anew",
        )
        return {}

    async def remember(self, exchange: str, rates: Mapping[str, Mapping[str, float]]) -> None:
        """Let the next process know these."""
        reason = f"the disk has not answered for {REMEMBERED_WITHIN_SECS:g} s"
        with trio.move_on_after(REMEMBERED_WITHIN_SECS):
            try:
                path, data = rates_path(exchange), encode(rates)
                await self._offload.run(lambda: self._files.replace(path, data))
                return
            except OSError as error:
                reason = words_of(error)
        self._log.warning("rates_not_remembered", exchange=exchange, reason=reason)

    def _read(self, exchange: str) -> Mapping[str, Mapping[str, float]]:
        path = rates_path(exchange)
        if not self._files.exists(path):
            return {}
        size = self._files.size(path)
        if size > MOST_BYTES:
            raise UnreadableRatesError(f"it has {size:,} bytes, and may have {MOST_BYTES:,}")
        return decode(self._files.read(path))
