"""Real S3 servers behind a proxy that spoils requests: nothing is lost, doubled, or let go early.

Requests are real, and only what waits between them is virtual time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import structlog
import trio

from tests.archive.archiving import DAYS, Rig
from tests.archive.faulty_proxy import Faults, Ill, proxy
from tests.archive.kept import DAY, EXCHANGE, sha
from tests.archive.s3_servers import SERVERS, bucket, take_away
from tests.fakes.memory_files import MemoryFiles
from tick_logger.archive.archiver import Archiver
from tick_logger.archive.bucket import Bucket, Patience
from tick_logger.archive.ledger import Ledger, Where
from tick_logger.storage.layout import ColumnPath, parse

PATIENT = Patience(request_secs=30.0, retries=0)
"""Each refusal is the archive's own matter."""

HASTY = Patience(request_secs=0.5, retries=0)
"""Where nothing is answered."""

MOST_CYCLES = 30
"""Each request is spoilt twice; on a busy machine some more are not answered in time."""

ATTEMPTS = 4
"""One is spoilt, one finds the same, one puts it anew."""

EITHER = pytest.mark.parametrize("case", ["localbucket"], indirect=True)
"""Where it hardly comes to the server."""

PAUSE_SECS = 1800.0
"""Between two cycles: there are requests enough in one."""


class Watched(MemoryFiles):
    """Files of which none goes before what is made of it lies in the bucket, byte by byte."""

    def watch(self, archive: MemoryFiles, kept: Bucket) -> None:
        self.archive, self.kept = archive, kept

    def remove(self, path: str) -> None:
        ledger, found = Ledger(self.archive), parse(path)
        if path in {each.key for each in ledger.all_packed()}:
            self._is_kept(ledger, path)
        elif isinstance(found, ColumnPath):
            assert not found.late
            assert ledger.is_released(found.exchange, found.day)
            objects = [e for e in ledger.all_packed() if (e.day, e.table) == (found.day, "trades")]
            assert objects
            for each in objects:
                self._is_kept(ledger, each.key)
        super().remove(path)

    def _is_kept(self, ledger: Ledger, key: str) -> None:
        assert ledger.is_verified(key, Where.BUCKET)
        (packed,) = (each for each in ledger.all_packed() if each.key == key)
        assert sha(b"".join(self.kept.read(key))) == packed.sha256


class Case:
    """Three certified days, and an archive whose requests go through the proxy."""

    def __init__(self, behind: str, before: str, name: str, faults: Faults) -> None:
        recorded, archive = Watched(), Watched()
        self.kept = bucket(behind, name)
        for files in (recorded, archive):
            files.watch(archive, self.kept)
        self.faults = faults
        self._before, self._name = before, name
        self.rig = Rig(recorded=recorded, archive=archive, keep_days=1, attempts=ATTEMPTS)

    def archiver(self, patience: Patience = PATIENT) -> Archiver:
        """As of a new process."""
        self.rig.store = bucket(self._before, self._name, patience=patience)
        return self.rig.archiver()

    def check(self) -> None:
        """Each object lies in the bucket once, as it was packed, and nothing else does."""
        packed = {each.key: each.sha256 for each in self.rig.ledger().all_packed()}
        kept = {each.key: sha(b"".join(self.kept.read(each.key))) for each in self.kept.list("")}
        assert kept == packed
        assert self.rig.waiting() == []
        days = [key.rpartition("/")[0] for key in kept if "table=trades" in key]
        assert len(days) == len(set(days)) == DAYS
        assert self.rig.ledger().released() == [(EXCHANGE, DAY), (EXCHANGE, DAY + 1)]
        assert set(self.rig.worker.runs.values()) == {1}

    def is_untouched(self) -> bool:
        """Whether everything lies here that was recorded and packed."""
        rig = self.rig
        days = {p.day for p in map(parse, rig.recorded.list(recursive=True))
                if isinstance(p, ColumnPath)}  # fmt: skip
        objects = rig.archive.list("data", recursive=True)
        return days == set(range(DAY, DAY + DAYS)) and len(objects) == DAYS + 1


@pytest.fixture(params=SERVERS)
async def case(request: pytest.FixtureRequest, addresses: dict[str, str]) -> AsyncIterator[Case]:
    faults, behind = Faults(), addresses[request.param]
    name = f"b{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]}"
    with proxy(behind, faults) as before:
        yield Case(behind, before, name, faults)


@pytest.mark.parametrize(
    "ill", [each for each in Ill if each is not Ill.SLOW], ids=lambda each: each.name
)
async def test_what_befalls_some_requests_is_over_by_the_next_cycle(
    autojump_clock: object, case: Case, ill: Ill
) -> None:
    """Of each step: to look for the bucket, to make it, to put, to read back."""
    case.faults.begin(ill, times=2)
    archiver = case.archiver(HASTY if ill in (Ill.STALL, Ill.HELD) else PATIENT)
    for _ in range(MOST_CYCLES):
        if {"LIST", "PUT", "GET"} <= set(case.faults.spoilt):
            break
        await archiver.cycle()
    assert {"LIST", "PUT", "GET"} <= set(case.faults.spoilt)
    case.faults.end()
    archiver = case.archiver()
    await archiver.cycle()
    case.check()
    assert archiver.progress.troubles == {}


async def test_what_is_slow_is_waited_for(autojump_clock: object, case: Case) -> None:
    """Longer than nothing, and within the time of a request: no attempt fails."""
    case.faults.begin(Ill.SLOW)
    await case.archiver().cycle()
    case.check()
    assert case.rig.number("collector_s3_upload_retries_total") == 0


LASTING = [
    *((ill, "") for ill in (Ill.FORBIDDEN, Ill.BUSY, Ill.GONE, Ill.CUT_OFF)),
    *((ill, "PUT") for ill in (Ill.FORBIDDEN, Ill.TOO_MANY, Ill.UNANSWERED)),
    *((ill, "GET") for ill in (Ill.TIMEOUT, Ill.TORN)),
]


@EITHER
@pytest.mark.parametrize(("ill", "methods"), LASTING, ids=lambda each: getattr(each, "name", each))
async def test_what_lasts_is_told_once_an_hour(
    autojump_clock: object, case: Case, ill: Ill, methods: str
) -> None:
    """One line for the store, however many objects wait; numbers say the rest."""
    case.faults.begin(ill, *filter(None, [methods]))
    archiver = case.archiver()
    with structlog.testing.capture_logs() as lines:
        await _cycles(archiver, 2 * 3600)
    told = Counter(line["event"] for line in lines if line["log_level"] == "error")
    assert told == {"archive_store_failed": 2}
    assert case.is_untouched()
    assert case.rig.ledger().released() == []
    assert archiver.journal(0) == 0
    packed = len({each.key for each in case.rig.ledger().all_packed()})
    cycles = 2 * 3600 / PAUSE_SECS
    if methods == "PUT":
        attempts = 1 if ill is Ill.FORBIDDEN else ATTEMPTS
        assert case.faults.spoilt["PUT"] == packed * attempts * cycles
    assert case.rig.number("collector_upload_queue_depth") == packed
    assert case.rig.number("collector_upload_oldest_seconds") > 0
    case.faults.end()
    await archiver.cycle()
    case.check()


@EITHER
@pytest.mark.parametrize("ill", [Ill.FLIPPED, Ill.TRUNCATED], ids=lambda each: each.name)
@pytest.mark.parametrize("method", ["PUT", "GET"])
async def test_a_store_that_spoils_everything_is_told_of_by_object(
    autojump_clock: object, case: Case, ill: Ill, method: str
) -> None:
    """Nothing of it counts as kept, and when it is well again, what it spoilt is put anew."""
    case.faults.begin(ill, method)
    archiver = case.archiver()
    with structlog.testing.capture_logs() as lines:
        await _cycles(archiver, 3000)
    told = Counter(line["about"] for line in lines if line["event"] == "archive_unequal")
    assert case.is_untouched()
    assert set(told) == {each.key for each in case.rig.ledger().all_packed()}
    assert set(told.values()) == {1}
    case.faults.end()
    await archiver.cycle()
    case.check()


async def test_a_bucket_that_is_taken_away_is_made_and_filled_again(
    autojump_clock: object, case: Case
) -> None:
    """What was verified there is known to be, and what was not is put into the new one."""
    case.faults.begin(Ill.GONE, "LIST", "PUT", "MAKE")
    archiver = case.archiver()
    await archiver.cycle()
    assert case.is_untouched()
    assert "bucket" in archiver.progress.troubles[Where.BUCKET]
    case.faults.end()
    await archiver.cycle()
    case.check()
    assert case.faults.done["MAKE"] == 1


async def test_what_was_taken_away_before_it_was_verified_is_put_again(
    autojump_clock: object, case: Case
) -> None:
    """It was stored, and somebody cleans the bucket."""
    case.faults.begin(Ill.CUT_OFF, "GET")
    await case.archiver().cycle()
    for each in list(case.kept.list("")):
        take_away(case.kept, each.key)
    case.faults.end()
    await case.archiver().cycle()
    case.check()


async def _cycles(archiver: Archiver, secs: float) -> None:
    until = trio.current_time() + secs
    while trio.current_time() < until:
        await archiver.cycle()
        await trio.sleep(PAUSE_SECS)
