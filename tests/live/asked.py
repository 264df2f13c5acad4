"""What must be true of a look at any exchange, real or simulated."""

from __future__ import annotations

import re

from tests.doctor.looked import look
from tick_logger.config.schema import ExchangeConfig

SECS = 30.0
"""How long messages of each feed are waited for."""


async def assert_it_can_be_recorded(name: str, config: ExchangeConfig) -> None:
    """Every step works; of every feed ten messages were received and decoded."""
    lines = await look(name, config, secs=SECS)
    told = "\n".join(f"{each.name}: {each.state} {each.said}" for each in lines)
    assert not [each for each in lines if each.state == "wrong"], told
    names = [each.name for each in lines]
    assert {"DNS", "TCP", "WebSocket", "REST", "listing", "symbols", "clock"} <= set(names), told
    for feed in config.feeds:
        (line,) = (each for each in lines if each.name == feed)
        count = re.match(r"(\d+) messages with ([\d,]+) rows", line.said)
        assert count is not None, told
        assert int(count[1]) >= 10, told
