"""A recorder of no exchange: it seals and certifies the days that are over, as any recorder does.

Everything but the venues is as while something is recorded: the directory's lock, the recovery at
the start, the entry in the journal, column files, checkpoint.  So a day that is sealed at rest is
the same as one that was sealed in time.

Invariant: of the journal nothing goes that the archive is to have and has not; a directory in which
nothing is due is not written into.

Not here: what is printed, and what becomes of sealed days (`keeping`).
"""

from __future__ import annotations

from contextlib import closing

import attrs
import trio

from tick_logger.app import Ports, Service
from tick_logger.archive.certifying import Told
from tick_logger.archive.journal_release import JournalRelease
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.archive.named import named
from tick_logger.archive.sealer import Others, anything_due
from tick_logger.archiving import MODES, Keeping, is_released
from tick_logger.config.schema import ArchiveConfig, Config
from tick_logger.derive.directory import FIRST_SEQ, recorded_price_dtype
from tick_logger.errors import leaves
from tick_logger.journal.reader import JournalReader
from tick_logger.recording.recording import Recording
from tick_logger.sealing import place_of
from tick_logger.storage.checkpoint import CheckpointSlots
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.files import Files


class SealingAtRest(Service):
    """One run; with `once` it ends when all is sealed that is due, else at a signal.

    Without `once` the archive is kept meanwhile.
    """

    def __init__(self, config: Config, ports: Ports, *, once: bool) -> None:
        files = ports.files or DiskFiles(config.logger.data_path, max_open=1)
        super().__init__(_of_no_exchange(config, files, archive=not once), ports)
        self._archive = config.archive
        self._is_released = is_released(config.logger.data_path, config.archive, ports.files)
        self._once = once

    @property
    def keeping(self) -> Keeping:
        """The archive beside it."""
        return self._keeping

    async def _open_recording(self) -> Recording:
        recording = await super()._open_recording()
        if self._once:
            wanted, layout = MODES[self._archive.mode], self._archive.layout
            ledger = _ledger(self._archive)
            self._keeping.named.learn(ledger, wanted, since=0)
            if self._archive.raw:
                recording.keep_unless(JournalRelease.of(ledger, wanted, layout))
        return recording

    async def _run_venues(self, stop_after_secs: float | None) -> None:
        self._sealer.believe_this_clock()
        if self._once:
            await self._sealer.round()
        else:
            await self._sealer.run()


async def seal(config: Config, ports: Ports, *, once: bool) -> SealingAtRest:
    """Seal what is due; returns the run that did, after its end.

    Raises `ConfigError` if somebody records there, and `StorageError`.
    """
    service = SealingAtRest(config, ports, once=once)
    try:
        await service.run(trio.lowlevel.checkpoint, None)
    except BaseExceptionGroup as group:
        raise leaves(group)[0] from None
    finally:
        service.close()
    return service


def is_due(config: Config, files: Files, now_ns: int) -> bool:
    """Whether a run would derive, seal or certify anything; nothing is written.

    Raises `OSError` and `StorageError`.
    """
    place, archive = place_of(config, files), config.archive
    if not _is_derived(files):
        return True
    packed = _Packed(_ledger(archive), MODES[archive.mode])
    return anything_due(place, now_ns, archive.seal_after_secs, packed)


@attrs.frozen
class _Packed(Others):
    """What the archive has of days, as its ledger says."""

    ledger: Ledger
    wanted: tuple[Where, ...]

    def told(self, exchange: str, day: int) -> Told:
        return Told(named=named(self.ledger, self.wanted, exchange, day))


def _ledger(archive: ArchiveConfig) -> Ledger:
    with closing(DiskFiles(archive.local_path, max_open=1)) as root:
        return Ledger(root)


def _is_derived(files: Files) -> bool:
    """Whether the newest checkpoint has all of the journal."""
    checkpoints = CheckpointSlots(files).both()
    from_seq = checkpoints[-1].next_seq if checkpoints else FIRST_SEQ
    return next(iter(JournalReader(files, from_seq=from_seq)), None) is None


def _of_no_exchange(config: Config, files: Files, *, archive: bool) -> Config:
    """The same, but without what is asked of the outside, and with prices as they are."""
    checkpoints = CheckpointSlots(files).both()
    width = recorded_price_dtype(files, checkpoints[-1] if checkpoints else None)
    mode = config.archive.mode if archive else "off"
    return attrs.evolve(
        config,
        logger=attrs.evolve(config.logger, price_dtype=width or config.logger.price_dtype),
        http=attrs.evolve(config.http, enabled=False),
        exchanges={},
        archive=attrs.evolve(config.archive, mode=mode),
    )
