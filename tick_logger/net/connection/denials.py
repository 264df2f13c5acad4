"""What one connection wants and is denied: refused by the venue, or never answered.

    refused for being what it is    -> for all connections of the exchange (`refusals`)
    refused with others             -> asked for in smaller groups (`suspects`)
    the venue is too busy           -> nothing is asked for until it is less so
    not answered, though others are -> as if refused
    not answered, and nothing is    -> given up on this connection (`unanswered`)

Pure: times are in seconds of trio's clock.  Not here: whom an answer is about (`outstanding`).
"""

from __future__ import annotations

from tick_logger.exchanges.base import Exchange, Subscription
from tick_logger.net.connection.delivery import Delivery
from tick_logger.net.connection.refusals import FIRST_WAIT_SECS, LONGEST_SAID_SECS, Refusals
from tick_logger.net.connection.states import Settled
from tick_logger.net.connection.unanswered import Unanswered

MAX_ATTEMPTS = 3
"""A subscription that is not acknowledged this often is reported as refused."""


class Denials:
    """What is denied to one connection; `refusals` is what all connections know."""

    def __init__(self, exchange: Exchange, delivery: Delivery, refusals: Refusals) -> None:
        self.refusals = refusals
        self._profile = exchange.profile
        self._delivery = delivery
        self._unanswered = Unanswered()
        self._paused_until: float | None = None

    @property
    def now(self) -> frozenset[Subscription]:
        """What is wanted, and not to be asked for."""
        return self._delivery.missing & (self.refusals.all | self._unanswered.given_up)

    @property
    def lasting(self) -> frozenset[Subscription]:
        """What of that is denied for more than a moment."""
        return self._delivery.missing & (self.refusals.lasting | self._unanswered.given_up)

    @property
    def paused(self) -> bool:
        """Whether nothing at all is to be asked for, because the venue is too busy."""
        return self._paused_until is not None

    @property
    def due(self) -> list[float]:
        """When something may be asked for once more."""
        busy = self.refusals.due_at(self._delivery.missing)
        each = (self._paused_until, self._unanswered.due_at, busy)
        return [at for at in each if at is not None]

    def release(self, now_secs: float) -> None:
        """Let be asked for once more what has waited long enough."""
        self._unanswered.release(now_secs)
        self.refusals.release(now_secs)
        if self._paused_until is not None and self._paused_until <= now_secs:
            self._paused_until = None

    def keep_wanted(self) -> None:
        """What is wanted has changed."""
        self._unanswered.keep(self._delivery.wanted)

    def granted(self, new: frozenset[Subscription]) -> None:
        """These are live."""
        self.refusals.granted(new)
        self._unanswered.forget(new)
        assert new.isdisjoint(self.now), "live and refused at once"

    def unanswered(self, awaited: frozenset[Subscription], now_secs: float) -> Settled:
        """A request for these had no answer: again as it was, or in parts, or not any more."""
        count = self._unanswered.count(awaited)
        alone = self.refusals.suspects.is_one(awaited)
        if count < MAX_ATTEMPTS - 1 or (alone and count < MAX_ATTEMPTS):
            return Settled(retried=tuple(sorted(awaited)))
        # An answer that does not come costs more than a request: so many at once as are sent in
        # half of the time.
        parts = int(self._profile.ack_timeout_secs * self._profile.requests_per_second / 2)
        culprits = self.refusals.suspects.accuse(awaited, parts=max(2, parts))
        reason = f"no acknowledgement after {count} attempts"
        if self._delivery.live:
            return self._found(culprits, awaited, reason, now_secs)
        self._unanswered.give_up(culprits, now_secs)  # perhaps nothing is ever answered here
        return _settled(culprits, awaited, reason)

    def accused(self, refused: frozenset[Subscription], reason: str, now_secs: float) -> Settled:
        """A request for these was refused, of which some may be had."""
        culprits = self.refusals.suspects.accuse(refused, reason)
        return self._found(culprits, refused, reason, now_secs)

    def refused(self, named: frozenset[Subscription], reason: str, now_secs: float) -> Settled:
        """These are refused for being what they are."""
        return self._found(named, named, reason, now_secs)

    def postponed(
        self, named: frozenset[Subscription], reason: str, now_secs: float, said_secs: float
    ) -> Settled:
        """The venue is too busy for these; `said_secs` is how long it says that it will be."""
        said_secs = min(said_secs, LONGEST_SAID_SECS)
        wait_secs = self.refusals.postpone(named, reason, now_secs, said_secs)
        until = now_secs + (wait_secs or max(FIRST_WAIT_SECS, said_secs))
        self._paused_until = max(until, self._paused_until or until)
        self._delivery.distrust(named, now_secs)
        postponed = tuple((sub, reason) for sub in sorted(named))
        return Settled(postponed=postponed, wait_secs=until - now_secs)

    def _found(
        self,
        culprits: frozenset[Subscription],
        asked: frozenset[Subscription],
        reason: str,
        now_secs: float,
    ) -> Settled:
        """Of those asked for these are refused, the others are to be asked for again."""
        here = culprits & self._delivery.begun_anew  # another connection may have it, as this had
        self._unanswered.give_up(here, now_secs)
        self.refusals.last(culprits - here, reason, now_secs)
        self._delivery.distrust(culprits, now_secs)
        return _settled(culprits, asked, reason)


def _settled(
    refused: frozenset[Subscription], asked: frozenset[Subscription], reason: str
) -> Settled:
    return Settled(
        retried=tuple(sorted(asked - refused)),
        refused=tuple((sub, reason) for sub in sorted(refused)),
    )
