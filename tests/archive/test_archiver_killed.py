"""The archive is killed, or its power is cut, at each step; the next start goes on."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from tests.archive.archiving import DAYS, Rig
from tests.archive.kept import DAY, EXCHANGE
from tests.fakes.sim_disk import Kind, PowerCut, SimDisk
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.storage.files import Files
from tick_logger.storage.layout import ColumnPath, parse


@pytest.mark.parametrize("kind", ["power", "kill"])
async def test_killed_at_every_step_nothing_is_lost_or_doubled(
    autojump_clock: object, kind: Kind
) -> None:
    """Operations on both disks, and requests to the bucket: each is the last one once."""

    def life(cut: Callable[[Rig], None], seed: int) -> Rig:
        recorded, archive = SimDisk(Random(seed)), SimDisk(Random(seed))
        rig = Rig(
            wanted=(Where.LOCAL, Where.BUCKET), keep_days=1, recorded=recorded, archive=archive
        )
        cut(rig)
        return rig

    async def goes_on(rig: Rig, seed: int) -> bool:
        """Whether it was killed; afterwards everything is as if it had not been."""
        killed = False
        try:
            await rig.archiver().cycle()
        except BaseException as error:
            if not _is_cut(error):
                raise
            killed = True
        for disk in (rig.recorded, rig.archive):
            assert isinstance(disk, SimDisk)
            disk.crash(Random(seed), kind)
        rig.bucket.power_cut_at(None)
        ledger = Ledger(rig.archive)
        for each in ledger.all_packed():
            assert each.key in rig.archive.list(recursive=True) or each.table == "certificate"
        for day in range(DAY, DAY + DAYS):
            gone = not [p for p in rig.recorded.list(recursive=True) if _is_main(p, day)]
            if gone:
                assert ledger.is_released(EXCHANGE, day)
        await rig.archiver().cycle()
        rig.check()
        assert rig.waiting() == []
        assert all(len(set(versions)) == 1 for key, versions in rig.bucket.versions.items()
                   if key.startswith("data/"))  # fmt: skip
        assert rig.ledger().released() == [(EXCHANGE, DAY), (EXCHANGE, DAY + 1)]
        return killed

    operation, step = 1, 3
    while await goes_on(life(lambda rig: _cut_disk(rig.archive, operation), operation), operation):  # noqa: B023
        operation += step
    assert operation > 60
    request = 1
    while await goes_on(life(lambda rig: rig.bucket.power_cut_at(request), request), request):  # noqa: B023
        request += 1
    assert request > 20
    operation = 1
    while await goes_on(life(lambda rig: _cut_disk(rig.recorded, operation), operation), operation):  # noqa: B023
        operation += step
    assert operation > 30


def _cut_disk(disk: Files, operation: int) -> None:
    assert isinstance(disk, SimDisk)
    disk.power_cut_at(disk.operations + operation)


def _is_cut(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(_is_cut(each) for each in error.exceptions)
    return isinstance(error, PowerCut)


def _is_main(path: str, day: int) -> bool:
    found = parse(path)
    return isinstance(found, ColumnPath) and (found.day, found.late) == (day, False)
