"""A day in two figures, by its certificate: how good it is, and how much of it was covered."""

from __future__ import annotations

import attrs

from tick_logger.archive.certificate import Certificate

SECS_PER_DAY = 86_400


@attrs.frozen
class Summary:
    """`coverage` is the share of the day (0 to 1) in which nothing is known to be missing, on
    average of all streams; `covered_secs` the same in seconds."""

    condition: str
    covered_secs: float
    streams: int

    @property
    def coverage(self) -> float:
        """The share of the day."""
        return self.covered_secs / SECS_PER_DAY


def summary_of(certificate: Certificate) -> Summary:
    """What a certificate says of its whole day."""
    said = certificate.predicate
    covered = [float(each["times"]["covered_secs"]) for each in said["streams"]]
    average = sum(covered) / len(covered) if covered else 0.0
    return Summary(str(said["condition"]), average, len(covered))
