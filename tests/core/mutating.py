"""Messages as no venue sends them: recorded ones with something changed, drawn from a seed.

Many stay good, with other digits; the others are broken in ways that matter to who reads them.
Not here: what must be true of them (`fuzz`).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

_TOKEN = re.compile(rb'"[^"\\]*"|-?\d[\d.eE+-]*|[{}\[\]:,]|[a-z]+')
_VALUE = re.compile(rb'(?<=[:,\[])\s*("[^"\\]*"|-?\d[\d.eE+-]*|true|false|null)(?=\s*[,}\]])')
_KEY = re.compile(rb'"([^"\\]*)"(?=\s*:)')
_DIGITS = re.compile(rb"\d+")
_LIST = re.compile(rb"\[[^\[\]]*\]")

_VALUES = (
    b"null", b'""', b"true", b"false", b"[]", b"{}", b"0", b"-0", b"-1", b"1e5", b"1E-3", b"1e400",
    b"00", b"01", b"1.", b".5", b"+1", b"0.0", b"-0.0", b'"0"', b'"-0"', b'"-1"', b'"1e5"', b'" 1"',
    b'"1 "', b'"01"', b'"nan"', b'"inf"', b'"1_0"', b'"0x1"', b"1e-7", b"9007199254740993",
    b"9007199254740992", b'"9007199254740993.0"', b"123456789012345678", b"1234567890123456789",
    b"9223372036854775807", b"9223372036854775808", b'"0.00000000000000000000001"', b"1e30",
    b'"0.1234567890123456789"', b"1000000000000000000000000000000", b'"999999999999999999"',
    b'"123456.789012345678"', b"0.3", b'"4.35"', b'"a\\u0062"', b'"\xc3\xa9"', b'"\xff"', b'"\x01"',
    b"946684799999", b"946684800000", b"4102444800000", b'"2024-02-29T23:59:59.999999999Z"',
    b'"2023-02-29T00:00:00Z"', b'"2024-01-01T00:00:60Z"', b'"2024-01-01T00:00:00.Z"',
    b'"2024-01-01T00:00:00+00:00"', b'"2024-01-01T00:00:00.1234567890Z"', b'"1999-12-31T23:59:59Z"',
    b'"2100-01-01T00:00:00Z"', b'"2024-01-01 00:00:00Z"', b'"2024-1-01T00:00:00Z"', b"[[]]",
    b'"BUY"', b'"buy"', b'"Buy"', b'"sell"', b'"ASK"', b'"bid"', b'"snapshot"', b'"update"',
    b'"a@trade@b"', b'"@trade"', b'"a@depth@100ms"', b"nul", b"tru", b"[1,2,3]", b'{"a":1}',
    b'"00000000-0000-0000-0000-000000000000"', b'"ABCDEF01-2345-6789-abcd-ef0123456789"',
    b'"ABCDEF01-2345-6789-abcd-ef012345678"', b'"0ABCDEF01-2345-6789abcd-ef0123456789"',
)  # fmt: skip
_BYTES = b' \t\n\r"\\{}[]:,.-+eE0123456789atz\x00\x1f\x7f\x80\xff'


T = TypeVar("T")


def _pick(rng: random.Random, some: Sequence[T]) -> T:
    """One of some; `choice` takes four times as long."""
    return some[int(rng.random() * len(some))]


def mutated(payload: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A payload with one to three changes, nearly always one."""
    for _ in range(_pick(rng, (1, 1, 1, 2, 3))):
        payload = _pick(rng, _WAYS)(payload, others, rng)
    return payload


def _a_byte(payload: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Another, one less, or one more."""
    at = rng.randrange(len(payload) + 1)
    new = bytes((_pick(rng, _BYTES),)) if rng.random() < 0.8 else b""
    return payload[:at] + new + payload[at + rng.randrange(2) :]


def _digits(payload: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """A number with other digits, mostly as many."""
    places = list(_DIGITS.finditer(payload))
    if not places:
        return payload
    place = _pick(rng, places)
    size = max(1, place.end() - place.start() + _pick(rng, (0, 0, 0, 0, -1, 1, 5)))
    first = _pick(rng, b"123456789") if rng.random() < 0.9 else ord("0")
    rest = bytes(rng.choices(b"0123456789", k=size - 1))
    return payload[: place.start()] + bytes((first,)) + rest + payload[place.end() :]


def _a_value(payload: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A value in the place of another."""
    places = list(_VALUE.finditer(payload))
    if not places:
        return payload
    place, new = _pick(rng, places), _pick(rng, _VALUES)
    if rng.random() < 0.3:
        found = _VALUE.findall(_pick(rng, (payload, _pick(rng, others))))
        new = _pick(rng, found) if found else new
    return payload[: place.start()] + new + payload[place.end() :]


def _a_key(payload: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """Another name of a member, perhaps one that is there already."""
    places = list(_KEY.finditer(payload))
    if not places:
        return payload
    names: list[bytes] = _KEY.findall(_pick(rng, (payload, _pick(rng, others)))) or [b"x"]
    place = _pick(rng, places)
    return payload[: place.start(1)] + _pick(rng, names) + payload[place.end(1) :]


def _a_member(payload: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """One more, of any name and value, before another."""
    places = list(_KEY.finditer(payload))
    if not places:
        return payload
    names = (*_KEY.findall(_pick(rng, others)), b"x", b"snapshot", b"event", b"op", b"id", b"code")
    member = b'"%b":%b,' % (_pick(rng, names), _pick(rng, _VALUES))
    at = _pick(rng, places).start()
    return payload[:at] + member + payload[at:]


def _tokens(payload: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Some tokens less, or twice, or with blanks between them."""
    places = [place.start() for place in _TOKEN.finditer(payload)] or [0]
    first = rng.randrange(len(places))
    start = places[first]
    stop = places[min(first + rng.randrange(1, 5), len(places) - 1)]
    way = rng.randrange(3)
    if way == 0:
        return payload[:start] + payload[stop:]
    return payload[:start] + (payload[start:stop] if way == 1 else b" \n\t") + payload[start:]


def _two_members(payload: bytes, _others: Sequence[bytes], rng: random.Random) -> bytes:
    """Lists or values change places, so that what came first comes last."""
    places = list((_LIST if rng.random() < 0.3 else _VALUE).finditer(payload))
    if len(places) < 2:
        return payload
    a, b = sorted(rng.sample(range(len(places)), 2))
    one, two = places[a], places[b]
    between = payload[one.end() : two.start()]
    return payload[: one.start()] + two[0] + between + one[0] + payload[two.end() :]


def _spliced(payload: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """The beginning of one and the end of another."""
    other = _pick(rng, others)
    return payload[: rng.randrange(len(payload) + 1)] + other[rng.randrange(len(other) + 1) :]


_WAYS: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    _a_byte, _digits, _digits, _digits, _a_value, _a_value, _a_key, _a_member, _tokens,
    _two_members, _spliced,
)  # fmt: skip
