"""How far finished days are, as numbers and as it is served: sealed, certified, kept elsewhere.

Pure.  Not here: why something waits (the log says it), and what any day is like but the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from tick_logger.telemetry.metrics import OF_WHERE
from tick_logger.telemetry.sealed_day import CONDITIONS


@attrs.frozen
class SealedNumbers:
    """The newest day of an exchange that is sealed and certified."""

    began: float  # Unix time
    condition: str
    coverage: float  # 0 to 1

    @classmethod
    def of(cls, began: float, condition: float, coverage: float) -> SealedNumbers | None:
        """From what is exported; None if no day is sealed yet."""
        return cls(began, CONDITIONS[int(condition)], coverage) if began else None

    def document(self) -> dict[str, Any]:
        """As it is served."""
        day = datetime.fromtimestamp(self.began, UTC).date().isoformat()
        return {"day": day, "condition": self.condition, "coverage": self.coverage}


@attrs.frozen(kw_only=True)
class Archive:
    """What waits on its way to the archive, and what is there, verified."""

    rows_waiting: int  # to be packed
    objects_waiting: int  # to be verified somewhere
    bytes_waiting: int
    oldest_secs: float  # of these objects
    kept_bytes: Mapping[str, int]  # by place: "local", "s3"

    @classmethod
    def of(cls, process: Mapping[str, float], places: Sequence[str]) -> Archive | None:
        """From the numbers of a process; None if nothing is to be kept anywhere."""
        if not places:
            return None
        return cls(
            rows_waiting=int(process["parquet_rows_buffered"]),
            objects_waiting=int(process["upload_queue_depth"]),
            bytes_waiting=int(process["upload_queue_bytes"]),
            oldest_secs=round(process["upload_oldest_seconds"], 1),
            kept_bytes={each: int(process[f"archive_bytes{OF_WHERE}{each}"]) for each in places},
        )

    def document(self) -> dict[str, Any]:
        """As it is served."""
        return {**attrs.asdict(self, recurse=False), "kept_bytes": dict(self.kept_bytes)}
