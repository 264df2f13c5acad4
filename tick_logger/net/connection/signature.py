"""Signs the requests of one connection, until the venue rejects the token.

    signed -> the venue rejects the token -> said once, and unsigned from then on, everywhere

What a venue gives only to clients it knows is refused then, and all else is recorded as it is
without a token.  What was signed and has no answer yet will be rejected as well: those answers are
of nothing that was asked for since.

Invariant: after the first rejection, no connection of the exchange signs any more.
"""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import Refused
from tick_logger.net.connection.context import VenueContext


class Signature:
    """The token in the requests of one connection."""

    def __init__(self, venue: VenueContext, log: FilteringBoundLogger) -> None:
        self._venue = venue
        self._log = log
        self._signed = 0  # requests
        self._rejected = False  # on this connection
        self.opening_is_due = False
        """Whether what comes before all subscriptions was rejected with the token."""

    def on(self, text: str) -> str:
        """The request as it is to be sent."""
        signer = self._venue.signer
        if signer is None or self._venue.token.rejected:
            return text
        self._signed += 1
        return self._venue.exchange.signed(text, signer.token())

    def is_rejected(self, refusal: Refused) -> bool:
        """Whether a refusal is of the token, and of nothing that was asked for."""
        if not refusal.of_token or not self._signed:
            return False
        self._signed -= 1
        return True

    def reject(self, reason: str) -> bool:
        """Sign no more; returns whether this is news on this connection."""
        if not self._venue.token.rejected:
            self._venue.token.rejected = True
            self._venue.metrics.token_rejected.set(1)
            self._log.error(
                "token_rejected",
                reason=reason,
                explanation="the exchange does not accept the API key that was given; what it "
                "gives to everybody is recorded without it until the next start",
            )
        is_news, self._rejected = not self._rejected, True
        self.opening_is_due |= is_news
        return is_news
