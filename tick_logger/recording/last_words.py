"""The last words of a run: what is on disk, what is not, and what was lost."""

from __future__ import annotations

from collections.abc import Sequence

from tick_logger.model.tables import Table
from tick_logger.recording.recording import Recording
from tick_logger.telemetry.metrics import Metrics


def last_words(
    recording: Recording, metrics: Metrics, exchanges: Sequence[str], gone: str
) -> dict[str, object]:
    """The outcome in a sentence, and each number in it, for one log line.

    `gone` says what somebody took away of what was written.
    """
    totals = recording.totals
    dropped = sum(metrics.read("collector_messages_dropped_total", name) for name in exchanges)
    unwritten = sum(metrics.read("collector_rows_unwritten_total", name) for name in exchanges)
    lost_bytes, later = recording.bytes_not_written, recording.frames_not_derived
    remarks = [
        f"{int(dropped):,} messages were dropped" if dropped else "",
        f"{lost_bytes:,} bytes were received but not written" if lost_bytes else "",
        f"{int(unwritten):,} rows have no place that can be written" if unwritten else "",
        f"{totals.gaps:,} gaps are recorded" if totals.gaps else "",
        gone,
    ]
    said = ", ".join(filter(None, remarks)) or "nothing was lost"
    if later:
        said += "; more is in the journal, and the next start puts it into the column files"
    rows = sum(totals.rows.values())
    where = "were written" if gone else "are on disk"
    return {
        "outcome": f"{rows:,} rows {where}; {said}",
        "rows": rows,
        **{str(table): totals.rows[table] for table in Table if table in totals.rows},
        "late_rows": totals.late_rows,
        "aside_rows": totals.aside_rows,
        "gaps": totals.gaps,
        "messages_dropped": int(dropped),
        "rows_unwritten": int(unwritten),
        "bytes_not_written": lost_bytes,
        "frames_not_derived": later,
    }
