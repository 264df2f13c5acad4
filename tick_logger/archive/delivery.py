"""Brings all that is packed where it belongs: several at once, again and again, within a cycle.

Not here: the steps of one object (`transfer`), and what happens between two cycles (`archiver`).
"""

from __future__ import annotations

from random import Random

import trio

from tick_logger.archive.documents import content_of
from tick_logger.archive.keeping import Places, Rules
from tick_logger.archive.keys import DATA, SUMS
from tick_logger.archive.ledger import Ledger, Stored, Verified, Where
from tick_logger.archive.object_store import StoreError, Trouble
from tick_logger.archive.transfer import Errand, Transfer, UnequalError, due, waits
from tick_logger.archive.troubles import Troubles
from tick_logger.clock import WallClock
from tick_logger.offload import Offload
from tick_logger.telemetry.archive_metrics import ALL, ArchiveMetrics
from tick_logger.telemetry.logs import get_logger


class Delivery:
    """Sends, reads back, and writes it down."""

    def __init__(
        self,
        rules: Rules,
        places: Places,
        clock: WallClock,
        metrics: ArchiveMetrics,
        troubles: Troubles,
        rng: Random,
    ) -> None:
        self._rules = rules
        self._places = places
        self._clock = clock
        self._metrics = metrics
        self._troubles = troubles
        self._rng = rng
        self._log = get_logger()
        self._transfer = Transfer(
            places.stores, lambda each: content_of(places.recorded, places.archive, each)
        )

    async def send(self, ledger: Ledger, where: Where) -> None:
        """Bring everything to one place, as far as it can be; troubles are told.

        Raises `OSError` if the ledger cannot be written.  Cancellation: at once; a thread that
        sends goes on to the end of its request.
        """
        if not await self._is_ready(where):
            return
        limit = trio.CapacityLimiter(self._rules.concurrency)
        async with trio.open_nursery() as nursery:
            for errand in await self._places.thread.run(lambda: due(ledger, [where])):
                await limit.acquire_on_behalf_of((errand.packed.key, errand.where))
                nursery.start_soon(self._send_one, ledger, errand, limit)
        if Where.LOCAL not in self._rules.wanted:
            await self._places.thread.run(lambda: self._clear(ledger))

    async def _is_ready(self, where: Where) -> bool:
        try:
            await self._on(where).run(self._places.stores[where].prepare)
        except StoreError as error:
            self._troubles.tell("archive_store_failed", f"{where}", str(error))
            return False
        return True

    async def _send_one(self, ledger: Ledger, errand: Errand, limit: trio.CapacityLimiter) -> None:
        try:
            await self._deliver(ledger, errand)
        except StoreError as error:
            about = errand.packed.key if error.trouble.is_of_one_object else errand.where
            self._troubles.tell("archive_store_failed", about, str(error))
        finally:
            limit.release_on_behalf_of((errand.packed.key, errand.where))

    async def _deliver(self, ledger: Ledger, errand: Errand) -> None:
        """Up to `attempts` times; raises the last `StoreError`."""
        rules, seen, anew = self._rules, set[str](), False
        pauses = waits(rules.attempts, rules.retry_initial_secs, rules.retry_max_secs, self._rng)
        began = trio.current_time()
        while True:
            try:
                await self._attempt(ledger, errand)
            except StoreError as error:
                self._failed(errand, error)
                pause = next(pauses, None)
                if pause is None or error.trouble.lasts:
                    raise
                await trio.sleep(pause)
                if isinstance(error, UnequalError) and error.found in seen and not anew:
                    anew = True
                    await self._put_anew(errand)
                seen.add(getattr(error, "found", ""))
                self._metrics.upload_retries.inc()
                continue
            if errand.where is Where.BUCKET:
                self._metrics.upload_seconds.observe(trio.current_time() - began)
                self._metrics.uploads.labels(errand.packed.exchange, ALL).inc()
            return

    async def _attempt(self, ledger: Ledger, errand: Errand) -> None:
        packed, where, note = errand.packed, errand.where, self._places.thread.run
        if not ledger.is_stored(packed.key, where) or packed.table == SUMS:
            await self._on(where).run(lambda: self._transfer.store(errand))
            stored = Stored(at_ns=self._clock.now_ns(), key=packed.key, where=where)
            await note(lambda: ledger.add(stored))
        try:
            await self._on(where).run(lambda: self._transfer.read_back(errand))
        except UnequalError:
            raise
        except StoreError as error:
            if error.trouble is Trouble.ABSENT:  # somebody has taken it away since it was stored
                await self._on(where).run(lambda: self._transfer.store(errand))
            raise
        verified = Verified(
            at_ns=self._clock.now_ns(), key=packed.key, where=where, sha256=packed.sha256
        )
        await note(lambda: ledger.add(verified))

    async def _put_anew(self, errand: Errand) -> None:
        self._log.error(
            "archive_put_anew",
            key=errand.packed.key,
            where=errand.where,
            explanation="what was there under this name was something else, twice the same",
        )
        await self._on(errand.where).run(lambda: self._transfer.put_anew(errand))

    def _failed(self, errand: Errand, error: StoreError) -> None:
        self._metrics.upload_errors.labels(errand.packed.exchange, ALL).inc()
        if isinstance(error, UnequalError):
            self._metrics.unequal.inc()
            self._troubles.tell("archive_unequal", errand.packed.key, str(error))

    def _on(self, where: Where) -> Offload:
        return self._places.sending if where is Where.BUCKET else self._places.thread

    def _clear(self, ledger: Ledger) -> None:
        """Remove here what lies in the bucket, where it is to lie there alone."""
        files = self._places.archive
        for path in files.list(DATA, recursive=True):
            if ledger.is_verified(path, Where.BUCKET):
                files.remove(path)
