"""Kraken: its samples with other fields, and what the adapter says of messages."""

from __future__ import annotations

import json

from tests.exchanges.given import present
from tests.exchanges.said import complaint_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import Decoded
from tick_logger.exchanges.kraken import EXCHANGE

SAMPLE = SAMPLES["kraken"]


def decode(*payloads: bytes) -> Decoded:
    """What the adapter says of these frames."""
    return EXCHANGE.decode(payloads, SYMBOLS)


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields in the first item of its data; None leaves a field out."""
    message = json.loads(SAMPLE[sample])
    message["data"][0] = present(message["data"][0] | fields)
    return json.dumps(message).encode()


def answer(sample: str, **fields: object) -> bytes:
    """A sample with other fields on its outside; None leaves a field out."""
    return json.dumps(present(json.loads(SAMPLE[sample]) | fields)).encode()


def reason(payload: bytes) -> str:
    """Why this payload is bad."""
    return complaint_of(decode(payload))
