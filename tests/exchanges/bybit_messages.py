"""Bybit, spot and linear: samples with other values, and what the adapters say of messages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.exchanges.said import complaint_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import Decoded, Exchange
from tick_logger.exchanges.bybit import EXCHANGES

SPOT, LINEAR = EXCHANGES
each_category = pytest.mark.parametrize("venue", EXCHANGES, ids=lambda venue: venue.name)


def sample(venue: Exchange, name: str) -> bytes:
    """One of its messages."""
    return SAMPLES[venue.name][name]


def decode(venue: Exchange, *payloads: bytes) -> Decoded:
    """What the adapter says of these frames."""
    return venue.decode(payloads, SYMBOLS)


def changed(venue: Exchange, name: str, path: str, value: object) -> bytes:
    """A sample with another value, found by a path such as `data.0.p`; None leaves it out."""
    message: Any = json.loads(sample(venue, name))
    *way, last = path.split(".")
    place = message
    for key in way:
        place = place[int(key)] if key.isdecimal() else place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(message, separators=(",", ":")).encode()


def reason(venue: Exchange, payload: bytes) -> str:
    """Why this payload is bad."""
    return complaint_of(decode(venue, payload))
