"""OKX: its samples with other fields, and what the adapter says of messages."""

from __future__ import annotations

import json

from tests.exchanges.given import present
from tests.exchanges.said import complaint_of
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges.base import Decoded
from tick_logger.exchanges.okx import EXCHANGE

SAMPLE = SAMPLES["okx"]


def decode(*payloads: bytes) -> Decoded:
    """What the adapter says of these frames."""
    return EXCHANGE.decode(payloads, SYMBOLS)


def compact(message: object) -> bytes:
    """As the venue writes it."""
    return json.dumps(message, separators=(",", ":")).encode()


def changed(sample: str, **fields: object) -> bytes:
    """A sample with other fields in its only entry; None leaves a field out."""
    message = json.loads(SAMPLE[sample])
    message["data"] = [present(message["data"][0] | fields)]
    return compact(message)


def outside(sample: str, **fields: object) -> bytes:
    """A sample with other fields around its data; None leaves a field out."""
    return compact(present(json.loads(SAMPLE[sample]) | fields))


def reason(payload: bytes) -> str:
    """Why this payload is bad."""
    return complaint_of(decode(payload))
