"""Upbit: its samples with other fields, and what the adapter says of messages."""

from __future__ import annotations

import json

from tests.exchanges.given import present
from tests.exchanges.said import reason_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import Decoded
from tick_logger.exchanges.upbit import EXCHANGE

SAMPLE = SAMPLES["upbit"]
BTC, ETH = SYMBOLS["KRW-BTC"], SYMBOLS["BTC-ETH"]
MS = 10**6


def decode(*payloads: bytes) -> Decoded:
    """What the adapter says of these frames."""
    return EXCHANGE.decode(payloads, SYMBOLS)


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields; None leaves a field out."""
    return json.dumps(present(json.loads(SAMPLE[sample]) | fields)).encode()


def reason(payload: bytes) -> str:
    """Why this payload is bad."""
    return reason_of(decode(payload))
