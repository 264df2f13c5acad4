"""A day in two figures, by its certificate: how good it is, and how much of it was covered."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from tick_logger.archive.candle_checks import has_loss
from tick_logger.archive.certificate import Certificate

SECS_PER_DAY = 86_400


@attrs.frozen
class Summary:
    """`coverage` is the share of the day (0 to 1) in which nothing is known to be missing, on
    average of all streams; `covered_secs` the same in seconds.  `lacking` has by symbol the number
    of minutes in which the exchange says that more was traded than was recorded."""

    condition: str
    covered_secs: float
    streams: int
    lacking: Mapping[str, int] = attrs.field(factory=dict)

    @property
    def coverage(self) -> float:
        """The share of the day."""
        return self.covered_secs / SECS_PER_DAY


def summary_of(certificate: Certificate) -> Summary:
    """What a certificate says of its whole day."""
    said = certificate.predicate
    covered = [float(each["times"]["covered_secs"]) for each in said["streams"]]
    average = sum(covered) / len(covered) if covered else 0.0
    lacking = {
        str(each["symbol"]): int(each["less_here"]) for each in filter(has_loss, said["checks"])
    }
    return Summary(str(said["condition"]), average, len(covered), lacking)
