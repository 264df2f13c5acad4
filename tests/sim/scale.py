"""How long and how dense stories are."""

from __future__ import annotations

import attrs

MOST_DOWN_SECS = 20.0
"""Between two lives."""


@attrs.frozen(kw_only=True)
class Scale:
    """How long and how dense stories are: for many short ones, or for few long ones.

    Spans are what a value is drawn from; intervals are in seconds.
    """

    lives: tuple[int, int] = (2, 5)
    life_secs: tuple[float, float] = (4.0, 32.0)
    troubles: tuple[int, int] = (0, 8)
    trouble_secs: tuple[float, float] = (0.5, 15.0)
    flush_secs: tuple[float, float] = (0.3, 3.0)
    persist_secs: tuple[float, float] = (0.5, 3.0)
    checkpoint_secs: tuple[float, float] = (1.0, 15.0)
    step_secs: tuple[float, float] = (0.4, 1.2)
    messages_per_second: tuple[float, float] = (0.5, 2.5)
    data_timeout_secs: float = 12.0
    """Several steps, and short enough for lives to outlast it."""

    healthy_secs: float = 25.0
    """Length of the last life, which has one trouble at most, and ends in order."""

    moves_secs: tuple[float, float] = (0.5, 4.0)
    """Between two looks at what is to be moved."""

    late_secs: float = 5.0
    """How long after the beginning of the last life its trouble begins and lasts, at most."""

    @property
    def longest_secs(self) -> float:
        """No story is longer."""
        return self.lives[1] * (self.life_secs[1] + MOST_DOWN_SECS) + self.healthy_secs


SHORT = Scale()
LONG = Scale(
    lives=(3, 6),
    life_secs=(60.0, 1200.0),
    troubles=(0, 40),
    trouble_secs=(1.0, 90.0),
    flush_secs=(1.0, 10.0),
    persist_secs=(1.0, 4.5),
    checkpoint_secs=(20.0, 120.0),
    step_secs=(4.0, 12.0),
    messages_per_second=(0.05, 0.3),
    data_timeout_secs=56.0,
    healthy_secs=150.0,
    moves_secs=(10.0, 60.0),
    late_secs=30.0,
)
