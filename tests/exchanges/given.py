"""What adapters are given: messages with some fields left out, and wishes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tick_logger.exchanges.base import Subscription


def present(fields: Mapping[str, object]) -> dict[str, Any]:
    """The fields with a value: None stands for one that is not sent."""
    return {name: value for name, value in fields.items() if value is not None}


def wishes(feeds: Mapping[str, str]) -> list[Subscription]:
    """By symbol the names of feeds, as in `{"BTC-USD": "ticker trades"}`."""
    return [Subscription(symbol, feed) for symbol, of in feeds.items() for feed in of.split()]
