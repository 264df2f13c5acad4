"""What fails is tried again: without end where there is hope, for a minute where there is none."""

from __future__ import annotations

import errno
import math
from collections.abc import Callable

import pytest
import structlog
import trio
from prometheus_client import CollectorRegistry
from trio.testing import MockClock

from tick_logger.errors import RefusedError, StorageError
from tick_logger.offload import InlineOffload
from tick_logger.recording.readiness import COLUMNS, DISK, JOURNAL, Readiness
from tick_logger.telemetry.metrics import Metrics

FULL = OSError(errno.ENOSPC, "No space left on device")
QUOTA = OSError(errno.EDQUOT, "Disk quota exceeded")
BROKEN = OSError(errno.EIO, "Input/output error")
READ_ONLY = OSError(errno.EROFS, "Read-only file system")


def within(error: OSError) -> StorageError:
    """As storage reports an error of the system."""
    try:
        raise StorageError("cannot append") from error
    except StorageError as raised:
        return raised


class Work:
    """Fails with what `mishap` says for the time since its first call; notes when it was called."""

    def __init__(self, mishap: Callable[[float], Exception | None]) -> None:
        self._mishap = mishap
        self._began: float | None = None
        self.times: list[float] = []

    def __call__(self) -> str:
        now = trio.current_time()
        self._began = now if self._began is None else self._began
        self.times.append(now - self._began)
        mishap = self._mishap(now - self._began)
        if mishap is not None:
            raise mishap
        return "done"


def new() -> tuple[Readiness, Metrics]:
    metrics = Metrics(CollectorRegistry())
    return Readiness(metrics), metrics


async def persist(readiness: Readiness, work: Work, component: str = JOURNAL) -> str:
    with structlog.testing.capture_logs():
        return await readiness.persist(component, "it fails", work, InlineOffload())


async def test_what_works_is_done_once(autojump_clock: MockClock) -> None:
    """With its result, and without a word."""
    readiness, _ = new()
    work = Work(lambda _: None)
    with structlog.testing.capture_logs() as logs:
        assert await readiness.persist(JOURNAL, "it fails", work, InlineOffload()) == "done"
    assert (work.times, logs, readiness.reasons) == ([0.0], [], {})


@pytest.mark.parametrize("error", [BROKEN, within(BROKEN), READ_ONLY, StorageError("odd")])
async def test_it_is_tried_every_second(error: Exception, autojump_clock: MockClock) -> None:
    """Until it works; failures and what follows them are counted by what the work was for."""
    readiness, metrics = new()
    work = Work(lambda at: error if at < 3.5 else None)
    assert await persist(readiness, work) == "done"
    assert work.times == [0.0, 1.0, 2.0, 3.0, 4.0]
    text = metrics.text().decode()
    for name in ("failures", "retries"):
        assert f'collector_write_{name}_total{{kind="journal"}} 4.0\n' in text
        assert f'collector_write_{name}_total{{kind="columns"}} 0.0\n' in text


@pytest.mark.parametrize("error", [FULL, QUOTA, within(FULL)])
async def test_want_of_space_is_waited_for_without_end(
    error: Exception, autojump_clock: MockClock
) -> None:
    """Somebody can make room, however late."""
    readiness, _ = new()
    work = Work(lambda at: error if at < 600 else None)
    assert await persist(readiness, work) == "done"
    assert len(work.times) == 601


async def test_patience_may_have_no_end(autojump_clock: MockClock) -> None:
    """Where nothing is lost meanwhile."""
    readiness, _ = new()
    work = Work(lambda at: BROKEN if at < 600 else None)
    with structlog.testing.capture_logs():
        done = await readiness.persist(
            COLUMNS, "it fails", work, InlineOffload(), patience_secs=math.inf
        )
    assert (done, len(work.times)) == ("done", 601)


@pytest.mark.parametrize("error", [BROKEN, within(BROKEN), READ_ONLY, StorageError("odd")])
async def test_anything_else_is_given_a_minute(error: Exception, autojump_clock: MockClock) -> None:
    """Then it ends, with its reason in words and the error as its cause."""
    readiness, _ = new()
    work = Work(lambda _: error)
    with pytest.raises(StorageError, match="it fails, for 60 seconds now: ") as raised:
        await persist(readiness, work)
    assert work.times == [float(second) for second in range(61)]
    assert raised.value.__cause__ is error


async def test_59_seconds_are_no_minute(autojump_clock: MockClock) -> None:
    """The last attempt counts."""
    readiness, _ = new()
    work = Work(lambda at: BROKEN if at < 59.5 else None)
    assert await persist(readiness, work) == "done"


async def test_the_minute_begins_after_the_last_want_of_space(autojump_clock: MockClock) -> None:
    """A disk that was full for long and then fails once is not without hope."""
    readiness, _ = new()
    errors = dict.fromkeys(range(200), FULL) | dict.fromkeys(range(200, 259), BROKEN)
    work = Work(lambda at: errors.get(round(at)))
    assert await persist(readiness, work) == "done"
    assert len(work.times) == 260


async def test_what_is_refused_is_not_tried_again(autojump_clock: MockClock) -> None:
    """It would be refused again."""
    readiness, _ = new()
    work = Work(lambda _: RefusedError("too short"))
    with pytest.raises(RefusedError, match="too short"):
        await persist(readiness, work)
    assert work.times == [0.0]
    assert readiness.reasons == {}


async def test_a_bug_is_not_tried_again(autojump_clock: MockClock) -> None:
    """It is none of the disk's."""
    readiness, _ = new()
    work = Work(lambda _: KeyError("bug"))
    with pytest.raises(KeyError):
        await persist(readiness, work)
    assert work.times == [0.0]


async def test_cancelling_ends_the_wait(autojump_clock: MockClock) -> None:
    """Between two attempts."""
    readiness, _ = new()
    work = Work(lambda _: FULL)
    with trio.move_on_after(2.5):
        await persist(readiness, work)
    assert work.times == [0.0, 1.0, 2.0]


async def test_trouble_is_said_once_for_each_reason(autojump_clock: MockClock) -> None:
    """And its end once."""
    readiness, _ = new()
    work = Work(lambda at: FULL if at < 5 else BROKEN if at < 9 else None)
    with structlog.testing.capture_logs() as logs:
        await readiness.persist(COLUMNS, "it fails", work, InlineOffload())
    assert [(line["event"], line.get("reason")) for line in logs] == [
        (
            "not_ready",
            "it fails: No space left on device (make room; recording goes on by itself)",
        ),
        ("not_ready", "it fails: Input/output error"),
        ("ready", None),
    ]
    assert {line["component"] for line in logs} == {COLUMNS}
    assert logs[-1]["after_secs"] == 9.0
    assert "still_not_ready" not in logs[-1]


async def test_it_is_ready_when_no_component_is_in_trouble() -> None:
    """Each has its own reason; only the journal's blocks writing."""
    readiness, metrics = new()

    def ready() -> float | None:
        return metrics.registry.get_sample_value("collector_ready")

    assert ready() == 1
    with structlog.testing.capture_logs() as logs:
        readiness.trouble(COLUMNS, "full")
        assert not readiness.blocks_writing
        readiness.trouble(JOURNAL, "full")
        readiness.trouble(DISK, "slow")
        assert readiness.blocks_writing
        assert readiness.reasons == {COLUMNS: "full", JOURNAL: "full", DISK: "slow"}
        readiness.works(JOURNAL)
        readiness.works(COLUMNS)
        assert ready() == 0
        readiness.works(DISK)
    assert ready() == 1
    said = [line.get("still_not_ready") for line in logs if line["event"] == "ready"]
    assert said == [[COLUMNS, DISK], [DISK], None]
    readiness.reasons["mine"] = "a copy"
    assert readiness.reasons == {}
