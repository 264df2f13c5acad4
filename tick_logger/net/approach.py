"""How one exchange approaches one of its addresses: in turn, and not while it was told to wait.

What the venue wants is obeyed by the `Address`, which others may share.  Here it is said in the log
and in the metrics, in the words of whoever asked.
"""

from __future__ import annotations

import datetime
import enum

from tick_logger.clock import WallClock
from tick_logger.errors import Told
from tick_logger.net.address import Address, Pause
from tick_logger.net.told import FIRST_CLOSE_CODE
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics
from tick_logger.telemetry.logs import get_logger


class Purpose(enum.Enum):
    """What an address is approached for, in words for the log."""

    REST = "no listing and no snapshot is asked for meanwhile"
    CONNECTIONS = "no connection is made meanwhile, and those that live go on"


class Approach:
    """One exchange at one of its addresses."""

    def __init__(
        self,
        exchange: str,
        address: Address,
        purpose: Purpose,
        *,
        clock: WallClock,
        metrics: ExchangeMetrics,
    ) -> None:
        self._address = address
        self._purpose = purpose
        self._clock = clock
        self._metrics = metrics
        self._log = get_logger().bind(exchange=exchange)
        of_purpose = {
            Purpose.REST: metrics.rest_waits_until_timestamp_seconds,
            Purpose.CONNECTIONS: metrics.connects_wait_until_timestamp_seconds,
        }
        address.watchers.append(of_purpose[purpose].set)

    async def connect_turn(self, *, back: bool = False) -> None:
        """Return when a connection may be begun; it must be, or be dropped, at once.

        `back`: it comes back for one that was cut, and passes those that are new.

        Cancellation: the place in the line is lost, and nothing is counted.
        """
        await self._address.connects.wait(back=back)

    async def request_turn(self, weight: int) -> None:
        """Return when a request of this weight may be made; it must be, or be dropped, at once.

        Cancellation: the place in the line is lost, and nothing is counted.
        """
        await self._address.requests.wait(weight)

    @property
    def closed_secs(self) -> float:
        """For how much longer the venue wants no approach; 0 if it does not mind."""
        return self._address.closed_secs

    def told(self, told: Told | None) -> None:
        """The other side said this, if it said anything: obey, and say so, if it says to wait."""
        now_secs = self._clock.now_ns() / 1e9
        pause = self._address.told(told, now_secs) if told is not None else None
        if told is None or pause is None:
            return
        self._metrics.told_to_wait.inc()
        self._log.warning(
            "told_to_wait",
            reason=_in_words(told),
            secs=round(pause.secs, 3),
            until=_until(now_secs, pause),
            why=pause.why,
            explanation=self._purpose.value,
        )


def _in_words(told: Told) -> str:
    named = f"HTTP {told.code}" if told.code < FIRST_CLOSE_CODE else f"close code {told.code}"
    named = named if told.code else ""
    header = f"retry after {told.retry_after}" if told.retry_after else ""
    return ": ".join(filter(None, (named, header, told.words)))


def _until(now_secs: float, pause: Pause) -> str:
    """The end of a pause by our clock, in UTC."""
    end = datetime.datetime.fromtimestamp(now_secs + pause.secs, datetime.UTC)
    return end.isoformat(timespec="seconds")
