"""What certificates say of how good a day is, for readers that check no signature.

Not here: what else they say, and whether it is so (`archive`).
"""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

import msgspec

from tick_logger.storage.files import Names
from tick_logger.storage.layout import CertificatePath, certificate_path, parse
from tick_logger.storage.names import folder_of

AVAILABLE, PENDING = "available", "pending"


class _Files(Protocol):
    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes | memoryview: ...

    def list(self, folder: str = "") -> Names: ...


class _Envelope(msgspec.Struct):
    payload: str


class _Stream(msgspec.Struct):
    symbol: str
    table: str
    condition: str


class _Predicate(msgspec.Struct):
    condition: str
    streams: list[_Stream]


class _Statement(msgspec.Struct):
    predicate: _Predicate


def newest_numbers(files: _Files, exchange: str) -> dict[int, int]:
    """By day, the number of the certificate that counts; raises `OSError`."""
    folder, newest = folder_of(exchange), dict[int, int]()
    for name in files.list(folder):
        found = parse(f"{folder}/{name}")
        if isinstance(found, CertificatePath):
            newest[found.day] = max(found.number, newest.get(found.day, 0))
    return newest


def conditions(
    files: _Files, exchange: str, day: int, number: int
) -> dict[tuple[str, str], str] | None:
    """By symbol and table the condition of a day; None if that cannot be read.

    While the day as a whole is pending, no stream of it is more than that.  Raises `OSError`.
    """
    path = certificate_path(CertificatePath(exchange, day, number))
    try:
        envelope = msgspec.json.decode(files.read(path), type=_Envelope)
        payload = base64.b64decode(envelope.payload, validate=True)
        said = msgspec.json.decode(payload, type=_Statement).predicate
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error):
        return None
    good = PENDING if said.condition == PENDING else AVAILABLE
    return {
        (each.symbol, each.table): good if each.condition == AVAILABLE else each.condition
        for each in said.streams
    }
