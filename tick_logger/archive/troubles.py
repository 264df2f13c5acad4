"""What does not work in an archive, told once an hour, for whoever keeps it.

Not here: what is done about it; the next cycle tries again.
"""

from __future__ import annotations

import trio

from tick_logger.telemetry.logs import get_logger

TELL_AGAIN_SECS = 3600.0
"""Between two lines about the same trouble."""

MOST_TROUBLES = 1000
"""Remembered; beyond it the oldest are told again."""


class Troubles:
    """The troubles of the present cycle, in words by what they are about."""

    def __init__(self) -> None:
        self.now: dict[str, str] = {}
        self._told: dict[str, float] = {}
        self._log = get_logger()

    def begin(self) -> None:
        """Another cycle begins."""
        self.now = {}

    def tell(self, event: str, about: str, reason: str) -> None:
        """Something does not work; a line is written if there was none for an hour."""
        self.now[about] = reason
        if self._is_due(f"{event} {about}"):
            self._log.error(event, about=about, reason=reason)

    def explain(self, event: str, about: str, reason: str) -> None:
        """Something is otherwise than one might think; told as seldom."""
        if self._is_due(f"{event} {about}"):
            self._log.warning(event, about=about, reason=reason)

    def crashed(self, about: str) -> None:
        """A defect of ours: the trace goes to the log, as seldom."""
        self.now[about] = "a defect of the program; the log has where"
        if self._is_due(f"crashed {about}"):
            self._log.exception("archive_crashed", about=about)

    def _is_due(self, key: str) -> bool:
        now = trio.current_time()
        if now - self._told.get(key, -TELL_AGAIN_SECS) < TELL_AGAIN_SECS:
            return False
        self._told.pop(key, None)
        self._told[key] = now
        if len(self._told) > MOST_TROUBLES:
            del self._told[next(iter(self._told))]
        return True
