"""How a reader that follows growing files waits, where its user does not say: it sleeps.

The one thing of the reading interface that takes time, so that the rest knows no clock.
"""

from __future__ import annotations

import time

MOMENT_SECS = 0.2
"""Files grow once a second: what is new is seen soon, and the disk is asked seldom."""


def a_moment() -> None:
    """Sleep until files may have grown."""
    time.sleep(MOMENT_SECS)
