"""The state codec: equal data of the same types comes back, and nothing else goes in."""

from __future__ import annotations

import math
import struct
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.storage.state_codec import decode_state, encode_state

DTYPES = ["u1", "<i2", ">u4", "<i8", "<u8", "<f2", "<f4", ">f8", "<c16", "?", "V16", "S3", "<U2"]
DTYPES += ["<M8[ns]", "<m8[s]"]


def arrays() -> st.SearchStrategy[npt.NDArray[Any]]:
    def of(name: str) -> st.SearchStrategy[npt.NDArray[Any]]:
        dtype = np.dtype(name)
        if dtype.kind == "U":
            return st.lists(st.text("aß€", max_size=2), max_size=4).map(lambda x: np.array(x, name))
        size = 1 if dtype.kind == "b" else dtype.itemsize
        items = st.just(b"\x01") if dtype.kind == "b" else st.binary(min_size=size, max_size=size)
        return st.lists(items, max_size=4).map(lambda x: np.frombuffer(b"".join(x), dtype))

    return st.sampled_from(DTYPES).flatmap(of)


leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text()
    | st.binary()
    | arrays()
)
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
states = st.dictionaries(st.text(), values, max_size=4)


def identity(value: object) -> object:
    """Something comparable that tells apart types, bits of floats, and order."""
    if isinstance(value, np.ndarray):
        return "array", value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, float):
        return "float", struct.pack("<d", value)
    if isinstance(value, list):
        return "list", tuple(map(identity, value))
    if isinstance(value, dict):
        return "dict", tuple((key, identity(child)) for key, child in value.items())
    return type(value), value


@given(states)
def test_roundtrip(state: dict[str, Any]) -> None:
    """What comes back is the same: values, types, order, every bit."""
    assert identity(decode_state(encode_state(state))) == identity(state)


@pytest.mark.parametrize("number", [-(2**63), -1, 0, 2**63, 2**64 - 1])
def test_limits_of_integers(number: int) -> None:
    """All integers of 64 bits, with and without a sign."""
    assert decode_state(encode_state({"a": number})) == {"a": number}


@pytest.mark.parametrize("number", [math.nan, math.inf, -0.0])
def test_unusual_floats(number: float) -> None:
    """No float is turned into another."""
    back = decode_state(encode_state({"a": [number]}))
    assert struct.pack("<d", back["a"][0]) == struct.pack("<d", number)


def test_arrays_come_back_ready_for_use() -> None:
    """They may be changed in place, and changing them changes nothing else."""
    data = encode_state({"odd": b"x", "a": np.arange(3, dtype=np.uint64)})
    first, second = decode_state(data)["a"], decode_state(data)["a"]
    assert first.flags.writeable
    assert first.flags.aligned
    first += 1
    assert first.tolist() == [1, 2, 3]
    assert second.tolist() == [0, 1, 2]


def test_array_that_is_a_part_of_another() -> None:
    """Only the items that are seen are kept, in their order."""
    view = np.arange(10, dtype=np.int32)[8:1:-3]
    assert decode_state(encode_state({"a": view}))["a"].tolist() == [8, 5, 2]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        ((1, 2), "state['rows'][1]['x'] is a tuple"),
        ({1}, "state['rows'][1]['x'] is a set"),
        (np.int64(3), "state['rows'][1]['x'] is a int64"),
        (np.float64(3), "state['rows'][1]['x'] is a float64"),
        (bytearray(b"x"), "state['rows'][1]['x'] is a bytearray"),
        ({1: "one"}, "state['rows'][1]['x'] has the key 1, which is not a str"),
        (np.zeros((2, 2)), "state['rows'][1]['x'] is an array with 2 dimensions"),
        (np.array(3), "state['rows'][1]['x'] is an array with 0 dimensions"),
        (np.array([None]), "state['rows'][1]['x'] is an array of object"),
        (np.zeros(1, "u4,u4"), "state['rows'][1]['x'] is an array of [('f0'"),
        (np.zeros(1, "V0"), "state['rows'][1]['x'] is an array of |V0"),
        (np.ma.zeros(1), "state['rows'][1]['x'] is a MaskedArray"),
    ],
)
def test_other_types_are_refused(wrong: object, place: str) -> None:
    """Instead of coming back as something else; the message names the place."""
    with pytest.raises(TypeError) as caught:
        encode_state({"rows": [1, {"x": wrong}]})
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("wrong", [2**64, -(2**63) - 1, "\ud800"])
def test_values_without_bytes_are_refused(wrong: object) -> None:
    """The message names the place."""
    with pytest.raises(ValueError, match=r"^state\['rows'\]\[1\]\['x'\]\[2\]: "):
        encode_state({"rows": [1, {"fine": "a", "x": [0, 1, wrong]}]})


def test_key_without_bytes_is_refused() -> None:
    """The message names the dict that has it."""
    with pytest.raises(ValueError, match=r"^state\['rows'\]: "):
        encode_state({"rows": {"\ud800": 1}})


def extension(code: int, data: bytes) -> bytes:
    return msgspec.msgpack.encode({"a": msgspec.msgpack.Ext(code, data)})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([1]),
        msgspec.msgpack.encode({1: 1}),
        encode_state({"a": "text"})[:-1],
        encode_state({"a": "text"}) + b"\x00",
        extension(2, b"\x03<u4\x00\x00\x00\x00"),
        extension(1, b""),
        extension(1, b"\x05noarr\x00"),
        extension(1, b"\x03<u\xff\x00"),
        extension(1, b"\x02|O" + bytes(8)),
        extension(1, b"\x03<u4\x00\x00\x00"),
    ],
)
def test_what_is_no_state(data: bytes) -> None:
    """One kind of error, whatever is wrong."""
    with pytest.raises(ValueError, match=r"."):
        decode_state(data)


def test_bytes_of_an_array() -> None:
    """The form on disk: the length of the dtype's name, the name, the items."""
    assert encode_state({"a": np.array([1, 258], "<u2")}) == (
        b"\x81\xa1a" + b"\xd7\x01" + b"\x03<u2" + b"\x01\x00\x02\x01"
    )
