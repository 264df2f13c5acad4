"""Whether this machine is online at all, judged by all venues together.

Where the name of none is known, no venue is to blame.  Not here: what each venue lacks (`reach`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from tick_logger.model.connections import OFFLINE, Unreachable, none_by_name
from tick_logger.telemetry.logs import get_logger


class Online:
    """Says in the log once when no venue can be reached by name, and once when one can."""

    def __init__(self, unreachables: Callable[[], Sequence[Unreachable | None]]) -> None:
        self._unreachables = unreachables
        self._offline_since: float | None = None
        self._log = get_logger()

    def look(self) -> None:
        """Something has changed."""
        found, now = self._unreachables(), trio.current_time()
        is_offline = none_by_name(found)
        if is_offline and self._offline_since is None:
            self._offline_since = now
            why = sorted({each.reason for each in found if each is not None})
            self._log.error("offline", explanation=OFFLINE, reason="; ".join(why))
        elif not is_offline and self._offline_since is not None:
            secs, self._offline_since = now - self._offline_since, None
            self._log.info("online", after_secs=round(secs, 3))
