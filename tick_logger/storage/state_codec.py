"""The state of pure objects as bytes, and back.

State is plain data: dicts with str keys, lists, str, bytes, int, float, bool, None and 1-d numpy
arrays.  Decoding gives equal data of the same types.  What would come back as something else (a
tuple, a numpy number, a key that is not a str) is refused at once, because otherwise it would
show only in a recovery.

Not here: checksums, compression, and what the state means.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

ARRAY_EXTENSION = 1
"""Type of the msgpack extension for arrays: u8 length of the dtype's name, the name, the items."""

ARRAY_KINDS = "biufcmMSUV"
"""Kinds of items whose bytes are their whole value; for instance references to objects are not."""

_LEAVES = {str, bytes, int, float, bool, type(None)}


def encode_state(state: dict[str, Any]) -> bytes:
    """The bytes of a state.

    `TypeError` for a type that is none of plain data, `ValueError` for a value that has no bytes
    (an int beyond 64 bits, a str that is not Unicode); both name the place in the state.
    """
    _check(state, "state")
    try:
        return _encode(state)
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{_place_of_failure(state, 'state')}: {error}") from error


def decode_state(data: bytes) -> dict[str, Any]:
    """The state of some bytes, with arrays that may be changed; `ValueError` if they hold none."""
    return _decode(data)


def _check(value: object, place: str) -> None:
    children: Iterable[tuple[object, object]]
    if type(value) is dict:
        wrong = [key for key in value if type(key) is not str]
        if wrong:
            raise TypeError(f"{place} has the key {wrong[0]!r}, which is not a str")
        types, children = set(map(type, value.values())), value.items()
    elif type(value) is list:
        types, children = set(map(type, value)), enumerate(value)
    elif type(value) is np.ndarray:
        _check_array(value, place)
        return
    elif type(value) in _LEAVES:
        return
    else:
        raise TypeError(f"{place} is a {type(value).__qualname__}, which is not plain data")
    if types <= _LEAVES:
        return  # most data lies in long lists of numbers and texts, seen here as a whole
    for name, child in children:
        _check(child, f"{place}[{name!r}]")


def _check_array(array: npt.NDArray[Any], place: str) -> None:
    if array.ndim != 1:
        raise TypeError(f"{place} is an array with {array.ndim} dimensions, not with one")
    if not _is_plain(array.dtype):
        raise TypeError(f"{place} is an array of {array.dtype}, which is not plain data")


def _is_plain(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in ARRAY_KINDS and dtype.names is None and dtype.itemsize > 0


def _place_of_failure(value: object, place: str) -> str:
    children: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for name, child in children:
        try:
            _encode(child)
        except (OverflowError, ValueError):
            return _place_of_failure(child, f"{place}[{name!r}]")
    return place


def _to_extension(array: npt.NDArray[Any]) -> msgspec.msgpack.Ext:
    name = array.dtype.str.encode()
    return msgspec.msgpack.Ext(ARRAY_EXTENSION, bytes([len(name)]) + name + array.tobytes())


def _from_extension(code: int, data: memoryview) -> npt.NDArray[Any]:
    if code != ARRAY_EXTENSION or not data:
        raise ValueError(f"a value of the unknown kind {code}")
    begin = 1 + data[0]
    try:
        dtype = np.dtype(bytes(data[1:begin]).decode())
    except TypeError as error:
        raise ValueError(f"an array of an unknown kind: {error}") from error
    if not _is_plain(dtype):
        raise ValueError(f"an array of {dtype}")
    # A copy is aligned, may be changed, and does not keep all of the data in memory.
    return np.frombuffer(data[begin:], dtype).copy()


_encode = msgspec.msgpack.Encoder(enc_hook=_to_extension).encode
_decode = msgspec.msgpack.Decoder(dict[str, Any], ext_hook=_from_extension).decode
