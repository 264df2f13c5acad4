"""What stands in the way of a safe recording, said once and in words; and trying again until done.

Work on the disk that fails is tried again, because a full disk gets space and a lost mount comes
back.  Want of space is waited for without end; anything else for so long, then the recording ends,
for a supervisor to do better.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import trio

from tick_logger.errors import RefusedError, StorageError, words_of
from tick_logger.offload import Offload
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

JOURNAL, COLUMNS, CHECKPOINT, DISK = "journal", "columns", "checkpoint", "disk"
STREAMS = "streams"
"""The components, each of which may be in trouble.  While the journal works, nothing is lost."""

FILES, SEGMENTS = "files", "segments"
"""What was written is there: column files, and the segments of the journal."""

RETRY_SECS = 1.0
PATIENCE_SECS = 60.0
"""How long a disk may fail for another reason than want of space, before the recording ends."""

WANT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
"""Errors that somebody can make go away while we wait."""

MAKE_ROOM = "make room; recording goes on by itself"

T = TypeVar("T")


class Readiness:
    """Whether everything works that a safe recording needs: the reasons why not, by component."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._reasons: dict[str, str] = {}
        self._since: dict[str, float] = {}
        self.attempts: Counter[str] = Counter()
        """Work that came to an end, well or badly, by component."""
        self._log = get_logger()
        for component in (JOURNAL, COLUMNS, CHECKPOINT, DISK):
            metrics.write_failures.labels(component)
            metrics.write_retries.labels(component)
        metrics.ready.set(1)

    @property
    def reasons(self) -> dict[str, str]:
        """Why the recorder is not ready, by component; empty if it is."""
        return dict(self._reasons)

    @property
    def blocks_writing(self) -> bool:
        """Whether the journal itself cannot be written."""
        return JOURNAL in self._reasons

    @property
    def gone(self) -> str:
        """What somebody took away of what was written, in words; empty if all is there."""
        reasons = (self._reasons.get(component, "") for component in (FILES, SEGMENTS))
        return "; ".join(filter(None, reasons))

    def trouble(self, component: str, reason: str) -> None:
        """Something does not work: said once for each reason."""
        if self._reasons.get(component) != reason:
            self._reasons[component] = reason
            self._since.setdefault(component, trio.current_time())
            self._log.error("not_ready", component=component, reason=reason)
            self._metrics.ready.set(0)

    def works(self, component: str) -> None:
        """It works (again): said once, with how long it did not, and what still does not."""
        if self._reasons.pop(component, None) is not None:
            secs = round(trio.current_time() - self._since.pop(component), 3)
            more = {"still_not_ready": sorted(self._reasons)} if self._reasons else {}
            self._log.info("ready", component=component, after_secs=secs, **more)
            self._metrics.ready.set(not self._reasons)

    async def persist(
        self,
        component: str,
        what: str,
        work: Callable[[], T],
        offload: Offload,
        *,
        patience_secs: float = PATIENCE_SECS,
    ) -> T:
        """The result of `work()`, tried until it succeeds; it must be fit to be called again.

        Raises `StorageError` after failing for so long for another reason than want of space.
        Cancellation: the wait ends; work that has begun still runs to its end.
        """
        failing_since: float | None = None
        while True:
            try:
                result = await offload.run(work)
            except RefusedError:
                raise
            except (OSError, StorageError) as error:
                self.attempts[component] += 1
                self._metrics.write_failures.labels(component).inc()
                self.trouble(component, reason_of(what, error))
                now = trio.current_time()
                if _errno(error) in WANT_OF_SPACE:
                    failing_since = None
                elif failing_since is None:
                    failing_since = now
                elif now - failing_since >= patience_secs:
                    raise StorageError(
                        f"{what}, for {patience_secs:g} seconds now: {words_of(error)}"
                    ) from error
                await trio.sleep(RETRY_SECS)
                self._metrics.write_retries.labels(component).inc()
            else:
                self.attempts[component] += 1
                self.works(component)
                return result


def reason_of(what: str, error: BaseException) -> str:
    """What fails and why, and what to do where somebody can make it go away."""
    help_ = f" ({MAKE_ROOM})" if _errno(error) in WANT_OF_SPACE else ""
    return f"{what}: {words_of(error)}{help_}"


def _errno(error: BaseException) -> int | None:
    """That of the system's error behind this one."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__
    return None if cause is None else cause.errno
