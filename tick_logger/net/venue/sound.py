"""What of a listing can be recorded: each symbol once, and none whose name no folder can have.

What is odd is counted, and named in the log once for each change of the listing; it costs nothing
else.  Not here: how entries are read (`exchanges.listing`), and what follows from a listing.
"""

from __future__ import annotations

from collections.abc import Callable

from structlog.typing import FilteringBoundLogger

from tick_logger.exchanges.base import Listed, Odd
from tick_logger.model.instruments import Instrument
from tick_logger.net.venue.streams import MAX_LISTED_IN_LOG
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics

MAX_NAME_CHARS = 40
"""Of a name in the log; longer ones are cut."""


class SoundListings:
    """Takes the listings of one exchange; `objection_to` says why a symbol cannot be recorded."""

    def __init__(
        self,
        log: FilteringBoundLogger,
        metrics: ExchangeMetrics,
        objection_to: Callable[[str], str],
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._objection_to = objection_to
        self._told: frozenset[Odd] = frozenset()

    def take(self, listed: Listed) -> tuple[Instrument, ...]:
        """The instruments that can be recorded, those among them that are not active."""
        found: dict[str, Instrument] = {}
        odd = list(listed.odd)
        for each in listed.instruments:
            objection = self._objection_to(each.symbol)
            if not objection:
                if each.active or each.symbol not in found:
                    found[each.symbol] = each
            elif each.active:
                odd.append(Odd(each.symbol, objection))
        self._tell(odd)
        return tuple(found.values())

    def _tell(self, odd: list[Odd]) -> None:
        self._metrics.listing_entries_odd.set(len(odd))
        now = frozenset(odd)
        if now and now != self._told:
            self._log.warning(
                "listing_odd",
                count=len(odd),
                entries=[_in_words(each) for each in odd[:MAX_LISTED_IN_LOG]],
                explanation="what has no name that can be used is not recorded; all else is",
            )
        self._told = now


def _in_words(odd: Odd) -> str:
    name = odd.name if len(odd.name) <= MAX_NAME_CHARS else f"{odd.name[:MAX_NAME_CHARS]}..."
    return f"{name or '(no name)'}: {odd.reason}"
