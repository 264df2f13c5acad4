"""What is posted of a notice: one JSON document for programs, with a line for people in it.

The line stands in `text`, where chats such as Slack and Mattermost look for it, and in `content`,
where Discord does.
"""

from __future__ import annotations

import msgspec

from tick_logger.ops.alerts.bell import Notice
from tick_logger.ops.status.reasons import duration, iso

RUNBOOK = "config/prometheus/README.md"


def message(notice: Notice, machine: str, version: str) -> bytes:
    """The document; what is not known of a notice is null."""
    subject = notice.subject
    line = _line(notice, machine)
    return msgspec.json.encode(
        {
            "text": line,
            "content": line,
            "status": "firing" if notice.over_ns is None else "resolved",
            "alert": subject.kind.name,
            "severity": subject.kind.severity,
            "exchange": subject.exchange or None,
            "feed": subject.feed or None,
            "cause": subject.cause or None,
            "summary": notice.words,
            "since": iso(notice.since_ns / 1e9),
            "over": None if notice.over_ns is None else iso(notice.over_ns / 1e9),
            "machine": machine,
            "version": version,
            "runbook": f"{RUNBOOK}#{subject.kind.name.lower()}",
        }
    )


def _line(notice: Notice, machine: str) -> str:
    kind = notice.subject.kind
    if notice.over_ns is None:
        return f"tick_logger on {machine}: {notice.words} ({kind.name}, {kind.severity})"
    lasted = duration((notice.over_ns - notice.since_ns) / 1e9)
    return f"tick_logger on {machine}: over after {lasted}: {notice.words} ({kind.name})"
