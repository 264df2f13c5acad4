"""Looks at a recorder every few seconds, and has somebody told what is wrong.

Nothing here is part of recording: it reads what others count, and a fault in it ends nothing but
itself.  What was told is not remembered across a start: what still holds then is told again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from tick_logger.clock import WallClock
from tick_logger.ops.alerts.bell import Bell, Notice
from tick_logger.ops.alerts.conditions import findings
from tick_logger.ops.alerts.delivery import Answer, Delivery
from tick_logger.ops.alerts.lookback import Key, Lookback, new_gaps, silent_feeds
from tick_logger.ops.alerts.message import message
from tick_logger.ops.status.status import View
from tick_logger.telemetry.families import PREFIX
from tick_logger.telemetry.logs import get_logger
from tick_logger.telemetry.metrics import Metrics

LOOK_SECS = 5.0

ROWS = f"{PREFIX}rows_written_total"
HOLES = f"{PREFIX}holes_left"


@attrs.frozen(kw_only=True)
class Alarm:
    """Of one recorder; `post` reaches whoever is to be told.

    `faster` divides the times for which conditions must hold: for those who cannot wait.
    """

    metrics: Metrics
    clock: WallClock
    post: Callable[[bytes], Awaitable[Answer]]
    machine: str
    version: str
    faster: float = 1.0

    async def run(self, look: Callable[[], View]) -> None:
        """Until cancelled; `look` gives the newest view."""
        try:
            await self._run(look)
        except Exception:  # noqa: BLE001 - recording is more important
            get_logger().exception("alerting_failed", explanation="nobody is told from now on")

    async def _run(self, look: Callable[[], View]) -> None:
        delivery, bell = Delivery(self.post, self.metrics), Bell(self.faster)
        began = trio.current_time()
        rows, left = Lookback(began), Lookback(began)
        silent: list[Key] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(delivery.run)
            while True:
                now = trio.current_time()
                rows.add(now, self.metrics.read_by(ROWS, "feed"))
                holes = self.metrics.read_by(HOLES, "cause")
                silent = silent_feeds(rows, now, silent)
                found = findings(look(), silent, new_gaps(left, holes, now))
                left.add(now, holes)
                for notice in bell.look(found, now, self.clock.now_ns()):
                    self._tell(notice, delivery)
                await trio.sleep(LOOK_SECS / self.faster)

    def _tell(self, notice: Notice, delivery: Delivery) -> None:
        subject = notice.subject
        parts = {"exchange": subject.exchange, "feed": subject.feed, "cause": subject.cause}
        context = {word: value for word, value in parts.items() if value}
        log = get_logger().bind(alert=subject.kind.name, **context)
        if notice.over_ns is None:
            log.warning("alert", severity=subject.kind.severity, reason=notice.words)
        else:
            log.info("alert_over", after_secs=round((notice.over_ns - notice.since_ns) / 1e9))
        delivery.put(subject.kind.name, message(notice, self.machine, self.version))
