"""What is wanted of an exchange and not recorded, because there is no room or nobody lists it.

Invariant: every name is told whole, in the log once whenever these are others than before, and by
`absent` as long as it lasts.  Not here: who finds out (`venue`), and where it is shown (`ops`).
"""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from tick_logger.model.connections import Absent
from tick_logger.telemetry.exchange_metrics import ExchangeMetrics


class Absences:
    """The wanted symbols of one exchange that are not recorded now."""

    def __init__(self, log: FilteringBoundLogger, metrics: ExchangeMetrics) -> None:
        self._log = log
        self._metrics = metrics
        self.absent = Absent()

    def tell(self, absent: Absent, explanation: str) -> None:
        """These are from now on; `explanation` says why there is no room."""
        before, self.absent = self.absent, absent
        self._metrics.symbols_left_out.set(len(absent.left_out))
        self._metrics.symbols_not_listed.set(len(absent.not_listed))
        if absent.left_out and set(absent.left_out) != set(before.left_out):
            self._log.error(
                "symbols_left_out",
                count=len(absent.left_out),
                symbols=list(absent.left_out),
                explanation=explanation,
            )
        if absent.not_listed and set(absent.not_listed) != set(before.not_listed):
            self._log.warning(
                "symbols_not_listed",
                symbols=list(absent.not_listed),
                explanation="they are configured, and the exchange lists none such as traded",
            )
