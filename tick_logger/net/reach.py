"""Which ways to a venue fail now: since when, why, and what to do about it.

A way is what is tried again and again: the connection of one share, the listing's channel, REST.
It fails from the beginning of the first attempt that came to nothing, or from when its connection
was lost, until an attempt works.  An attempt that has had no answer for a while counts as failing
before it is over, so that a user need not wait for its end to hear of it.

Not here: trying again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import attrs
import trio

from tick_logger.clock import WallClock
from tick_logger.errors import ConnectionLost, Ending, Step
from tick_logger.model.connections import Unreachable
from tick_logger.telemetry.logs import get_logger

REST: Final = "rest"
"""The way on which listings and snapshots are asked for."""

NO_ANSWER_SECS: Final = 6.0
"""An attempt without an answer for so long is told of: within ten seconds a user knows."""

TURNED_AWAY: Final = (403, 451)
"""Statuses with which a venue refuses a machine or a region, whatever it is asked."""

WHAT_TO_DO: Final = {
    Step.DNS: "see whether this machine is online, and whether its name server answers",
    Step.TCP: "see whether this machine is online, and whether a firewall is in the way;"
    " another endpoint may answer",
    Step.TLS: "see whether a proxy stands in between (ca_file names its certificate),"
    " and whether this machine's clock is right",
    Step.HTTP: "see what the answer says; if this machine or its region is refused,"
    " set another ws_endpoint or rest_endpoint",
    Step.PAGE: "a firewall, a proxy or the log-in page of a network answers instead of the"
    " exchange: open the address in a browser",
    Step.REDIRECTED: "if that is the exchange's new address, set it as ws_endpoint or"
    " rest_endpoint",
    Step.ANSWER: "it is tried again by itself; if that goes on, see whether the exchange reports"
    " an outage, or a firewall swallows what is sent",
}


def advice(lost: ConnectionLost, others: Sequence[object] = ()) -> str:
    """What to do about it, where these entrances are known beside the one that was tried."""
    if lost.told is None or lost.told.code not in TURNED_AWAY:
        return WHAT_TO_DO[lost.step]
    known = f"known are {'; or '.join(map(str, others))}" if others else "no other is known"
    return (
        "this machine, or its region, may be refused there: set another ws_endpoint and "
        f"rest_endpoint; {known}"
    )


def way_of(label: str) -> str:
    """The way that a connection and those that follow it go, by its label."""
    return label.partition(".")[0]


class Reach:
    """The ways to one venue; `on_change` is called when one begins to fail, or ends to.

    `others` names the entrances that are known beside the one of an address.
    """

    def __init__(
        self,
        exchange: str,
        clock: WallClock,
        on_change: Callable[[], None] = lambda: None,
        others: Callable[[str], Sequence[object]] = lambda _: (),
    ) -> None:
        self._clock = clock
        self._on_change = on_change
        self._others = others
        self._failing: dict[str, Unreachable] = {}
        self._pending: dict[Attempt, float] = {}  # when it is late
        self._woken = trio.Event()
        self._log = get_logger().bind(exchange=exchange)

    @property
    def unreachable(self) -> Unreachable | None:
        """The way that has failed for the longest; None while none fails."""
        return min(self._failing.values(), key=lambda each: each.since_ns, default=None)

    def explained(self, way: str) -> dict[str, str]:
        """Since when a way has failed, and what to do, as keys of a log line."""
        failing = self._failing.get(way)
        if failing is None:
            return {}
        since = datetime.fromtimestamp(failing.since_ns // 10**9, UTC)
        return {"since": since.isoformat(), "what_to_do": failing.what_to_do}

    def attempt(self, way: str, url: str) -> Attempt:
        """One begins now; it must be told how it goes."""
        place = url.partition("?")[0]
        attempt = Attempt(self, way, place, self._clock.now_ns())
        self._pending[attempt] = trio.current_time() + NO_ANSWER_SECS
        self._woken.set()
        return attempt

    def forget(self, way: str) -> None:
        """It is not wanted any more."""
        if self._failing.pop(way, None) is not None:
            self._on_change()

    async def run(self) -> None:
        """Tell of attempts that have no answer for long, until cancelled."""
        while True:
            self._woken = trio.Event()
            with trio.move_on_at(min(self._pending.values(), default=float("inf"))):
                await self._woken.wait()
            now = trio.current_time()
            for attempt in [each for each, due in self._pending.items() if due <= now]:
                del self._pending[attempt]
                if attempt.way in self._failing:
                    continue  # that is known, and why the attempt before came to nothing
                words = f"no answer for {NO_ANSWER_SECS:g} s so far"
                self.failed(attempt, attempt.began_ns, ConnectionLost(Ending.HTTP, words))
                more = self.explained(attempt.way)
                self._log.warning("no_answer_yet", place=attempt.place, reason=words, **more)

    def now_ns(self) -> int:
        """This machine's time."""
        return self._clock.now_ns()

    def settle(self, attempt: Attempt) -> None:
        """It is waited for no more."""
        self._pending.pop(attempt, None)

    def worked(self, attempt: Attempt) -> None:
        """Its way works."""
        self.settle(attempt)
        failed = self._failing.pop(attempt.way, None)
        if failed is None:
            return
        if not self._failing:
            secs = max(0, self._clock.now_ns() - failed.since_ns) / 1e9
            self._log.info("reached", place=attempt.place, after_secs=round(secs, 3))
        self._on_change()

    def failed(self, attempt: Attempt, since_ns: int, lost: ConnectionLost) -> None:
        """Its way fails so; since when is known better if it has failed before."""
        self.settle(attempt)
        before = self._failing.get(attempt.way)
        self._failing[attempt.way] = Unreachable(
            since_ns=before.since_ns if before else since_ns,
            place=attempt.place,
            step=lost.step.value,
            reason=lost.words,
            what_to_do=advice(lost, self._others(attempt.place)),
        )
        self._on_change()


@attrs.define(eq=False)
class Attempt:
    """To reach a venue on one way; as a context, what ends it is how it went."""

    _reach: Reach
    way: str
    place: str
    began_ns: int
    _has_worked: bool = attrs.field(init=False, default=False)

    def worked(self) -> None:
        """There is a connection, or an answer that serves."""
        self._has_worked = True
        self._reach.worked(self)

    def over(self, lost: ConnectionLost) -> None:
        """There is none, or no more."""
        if lost.ending is Ending.REPLACED:
            self._reach.settle(self)
            return
        since_ns = self._reach.now_ns() if self._has_worked else self.began_ns
        self._reach.failed(self, since_ns, lost)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(exc, ConnectionLost):
            self.over(exc)
        else:
            self._reach.settle(self)
