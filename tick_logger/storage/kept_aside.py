"""Keeps payloads that could not be decoded, for inspection: one JSON line each, a bounded number.

`{exchange}/undecodable.{DD}.{MM}.{YY}.jsonl`, UTC day of receipt; keys `recv_ns`, `reason`,
`payload` (text; bytes that are not UTF-8 appear as replacement characters) and `bytes` (length).
Nothing reads these files back.
"""

from __future__ import annotations

import json

from tick_logger.model.flush import day_of
from tick_logger.storage.files import Files
from tick_logger.storage.layout import day_text

MAX_PER_DAY = 1_000
"""Per exchange and process: enough to see what is wrong, and never a full disk."""

MAX_PAYLOAD_BYTES = 64 * 1024
"""A longer payload is cut; its length is kept."""


class KeptAsideFiles:
    """The undecodable payloads of each exchange."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._counts: dict[str, int] = {}

    def append(self, exchange: str, recv_ns: int, reason: str, payload: bytes) -> None:
        """Keep one payload, unless the day's bound is reached."""
        path = f"{exchange}/undecodable.{day_text(day_of(recv_ns))}.jsonl"
        count = self._counts.get(path, 0)
        if count >= MAX_PER_DAY:
            return
        self._counts[path] = count + 1
        record = {
            "recv_ns": recv_ns,
            "reason": reason,
            "bytes": len(payload),
            "payload": payload[:MAX_PAYLOAD_BYTES].decode("utf-8", "replace"),
        }
        self._files.append(path, json.dumps(record).encode() + b"\n")
