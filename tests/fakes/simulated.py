"""Simulated exchanges whose settings are named like any other option."""

from __future__ import annotations

from typing import Any

import attrs

from tick_logger.clock import WallClock
from tick_logger.simulator.exchange import Settings, SimulatedExchange

_SETTINGS = attrs.fields_dict(Settings)


def simulated(name: str, *, clock: WallClock, **options: Any) -> SimulatedExchange:  # noqa: ANN401
    """The exchange with these options of its own and of `Settings`."""
    chosen = {key: options.pop(key) for key in _SETTINGS.keys() & options.keys()}
    return SimulatedExchange(name, clock=clock, settings=Settings(**chosen), **options)
