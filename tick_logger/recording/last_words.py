"""The last words of a run: what is on disk, what is not, and what was lost."""

from __future__ import annotations

from collections.abc import Mapping

from tick_logger.model.connections import OFFLINE, Unreachable, none_by_name
from tick_logger.model.tables import Table
from tick_logger.recording.recording import Recording
from tick_logger.telemetry.metrics import Metrics


def last_words(
    recording: Recording,
    metrics: Metrics,
    unreachable: Mapping[str, Unreachable | None],
    gone: str,
) -> dict[str, object]:
    """The outcome in a sentence, and each number in it, for one log line.

    `unreachable` has every exchange, with why it could not be reached at the end; `gone` says what
    somebody took away of what was written.
    """
    samples = metrics.samples()

    def counted(name: str) -> float:
        return sum(samples[f"collector_{name}_total", exchange] for exchange in unreachable)

    totals = recording.totals
    dropped, unwritten = counted("messages_dropped"), counted("rows_unwritten")
    lost_bytes, later = recording.bytes_not_written, recording.frames_not_derived
    remarks = [
        f"{int(dropped):,} messages were dropped" if dropped else "",
        f"{lost_bytes:,} bytes were received but not written" if lost_bytes else "",
        f"{int(unwritten):,} rows have no place that can be written" if unwritten else "",
        f"{totals.gaps:,} gaps are recorded" if totals.gaps else "",
        gone,
    ]
    received = counted("messages_received")
    nothing = "" if received else f"nothing was ever received{_why(unreachable)}"
    lost = ", ".join(filter(None, remarks))
    said = "; ".join(filter(None, [nothing, lost])) or "nothing was lost"
    said += f"; {totals.stops.words}" if totals.stops.words else ""
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


def _why(unreachable: Mapping[str, Unreachable | None]) -> str:
    """Why nothing came, by exchange; those with the same reason together."""
    together: dict[str, list[str]] = {}
    for name, why in unreachable.items():
        if why is not None:
            together.setdefault(why.reason, []).append(name)
    reasons = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in together.items())
    if none_by_name(list(unreachable.values())):
        return f": {OFFLINE} ({reasons})"
    return f": {reasons}" if reasons else ""
