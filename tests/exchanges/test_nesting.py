"""What nests too deeply is rejected: at one depth, in every member, and wherever it is decoded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TypeAlias, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.exchanges.said import by_frame
from tests.exchanges.samples import SAMPLES, SYMBOLS
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import Exchange, Lost, VenueError
from tick_logger.exchanges.nesting import MAX_DEPTH, is_too_deep, too_deep

T = TypeVar("T")
Place: TypeAlias = Callable[[bytes, bytes], bytes]
DEEP_CALLS = 300
"""Python calls around a decoder: more than the service ever makes."""

EXCHANGES = [registry.get(name) for name in registry.available()]
each_exchange = pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.name)
LISTINGS = {
    "binance": b'{"symbols":[]%s}',
    "bybit": b'{"retCode":0,"result":{"category":"spot","list":[]}%s}',
    "bybit_linear": b'{"retCode":0,"result":{"category":"linear","list":[]}%s}',
    "coinbase": b'[{"id":"A-B","base_currency":"A","quote_currency":"B","status":"online"%s}]',
    "coinbase_advanced": b'{"products":[]%s}',
    "kraken": b'{"error":[],"result":{}%s}',
    "okx": b'{"code":"0","data":[]%s}',
    "upbit": b'[{"market":"KRW-BTC"%s}]',
}


def within(calls: int, act: Callable[[], T]) -> T:
    """What `act` gives when it is called within so many others."""
    return act() if calls == 0 else within(calls - 1, act)


def lists(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def objects(depth: int) -> bytes:
    return b'{"x":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def mixed(depth: int) -> bytes:
    """With others beside each level, so that hardly two brackets of one kind are neighbours."""
    return b'[ [], {"y": []}, ' * (depth - 2) + b"[[]]" + b"]" * (depth - 2)


def first(payload: bytes, value: bytes) -> bytes:
    """An object that begins with a member that nobody knows."""
    return b'{"unheard_of":' + value + b"," + payload[1:]


def last(payload: bytes, value: bytes) -> bytes:
    """An object that ends with a member that nobody knows."""
    return payload[:-1] + b',"unheard_of":' + value + b"}"


def samples(exchange: Exchange) -> list[bytes]:
    return [each for each in SAMPLES[exchange.name].values() if each.startswith(b"{")]


def said_with(exchange: Exchange, place: Place, value: bytes) -> dict[int, list[object]]:
    """What the samples say with one more member of this value."""
    payloads = [place(each, value) for each in samples(exchange)]
    return by_frame(exchange.decode(payloads, SYMBOLS))


def depth_of(payload: bytes) -> int:
    """By the book: one byte after the other."""
    depth = deepest = 0
    text = escaped = False
    for byte in payload.decode("latin-1"):
        if text:
            text = escaped or byte != '"'
            escaped = byte == "\\" and not escaped
        elif byte == '"':
            text = True
        elif byte in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in "]}":
            depth -= 1
    return deepest


# -- every venue -----------------------------------------------------------------------------------


@each_exchange
@pytest.mark.parametrize("calls", [0, DEEP_CALLS])
@pytest.mark.parametrize("nested", [lists, objects, mixed])
@pytest.mark.parametrize("place", [first, last])
def test_an_unknown_member_may_be_as_deep_as_the_bound_and_no_deeper(
    exchange: Exchange, place: Place, nested: Callable[[int], bytes], calls: int
) -> None:
    """Each sample says what it says with any such member, or nothing, wherever it is decoded."""
    usual = said_with(exchange, place, b"1")
    assert within(calls, lambda: said_with(exchange, place, nested(MAX_DEPTH - 1))) == usual
    deeper = within(calls, lambda: said_with(exchange, place, nested(MAX_DEPTH)))
    reason = "nested more than 256 levels deep"
    told = {
        number: [each for each in said if isinstance(each, str)] for number, said in deeper.items()
    }
    assert told == {number: [reason] for number in range(len(samples(exchange)))}
    what = [each for said in deeper.values() for each in said if not isinstance(each, str)]
    assert all(isinstance(each, Lost) for each in what)


@each_exchange
def test_a_known_member_is_judged_by_the_same_depth(exchange: Exchange) -> None:
    """Whichever member the nested value stands in, and wherever it is decoded."""
    message = json.loads(samples(exchange)[0])
    for key in message:
        text = json.dumps({**message, key: "here"}).encode()
        for depth in (MAX_DEPTH - 1, MAX_DEPTH):
            decode = partial(exchange.decode, [text.replace(b'"here"', lists(depth))], SYMBOLS)
            said = by_frame(decode())
            assert by_frame(within(DEEP_CALLS, decode)) == said
            refused = said.get(0, [""])[0] == "nested more than 256 levels deep"
            assert refused is (depth == MAX_DEPTH)


@each_exchange
def test_listings_have_the_same_bound(exchange: Exchange) -> None:
    """Of a list that is refused the reason is told."""
    around = 2 if LISTINGS[exchange.name].startswith(b"[") else 1
    good = LISTINGS[exchange.name].replace(b"%s", b',"unheard_of":' + lists(MAX_DEPTH - around))
    bad = LISTINGS[exchange.name].replace(b"%s", b',"unheard_of":' + lists(MAX_DEPTH - around + 1))
    exchange.parse_listing(good)
    with pytest.raises(VenueError, match="nested more than 256 levels deep"):
        within(DEEP_CALLS, lambda: exchange.parse_listing(bad))


@each_exchange
def test_brackets_in_texts_are_no_levels(exchange: Exchange) -> None:
    """Whatever stands around them."""
    usual = said_with(exchange, last, b"1")
    for text in ("[" * 999, "{" * 999, '"' + "[" * 999, "\\" + "[" * 999, '\\"' + "[{" * 999):
        assert said_with(exchange, last, json.dumps(text).encode()) == usual


# -- the depth of a text ---------------------------------------------------------------------------


@pytest.mark.parametrize("nested", [lists, objects])
@pytest.mark.parametrize("around", [b"%s", b"[%s,", b'{"a":"]]]]","b":%s', b' ["\\\\",%s'])
def test_the_bound_is_exact(nested: Callable[[int], bytes], around: bytes) -> None:
    """Closed or not, alone or beside others."""
    outside = depth_of(around)
    for depth in range(MAX_DEPTH - 3, MAX_DEPTH + 3):
        payload = around.replace(b"%s", nested(depth))
        assert is_too_deep(payload) is (depth + outside > MAX_DEPTH)
        assert is_too_deep(payload.rstrip(b"]}")) is (depth + outside > MAX_DEPTH)


def test_brothers_are_no_levels() -> None:
    """Thousands of levels of a book stand beside each other, however they are spaced."""
    for brother in (b'["1.5","2"]', b"[1,2]", b'{"a":1}', b"[]", b'["],["]', b'["],[","\\""]'):
        for between in (b",", b" ,\n "):
            assert not is_too_deep(b"[" + between.join([brother] * 5000) + b"]")


def test_brothers_hide_no_levels() -> None:
    """Neither real ones nor texts that look like them."""
    for brother in (b'["],["]', b'["1","2"],["1","2"]', b'"],[","},{"', b'"]]]]}}}}"'):
        for depth in (MAX_DEPTH, MAX_DEPTH + 1):
            payload = (b"[" + brother + b",") * (depth - 1) + b"[]" + b"]" * (depth - 1)
            assert depth_of(payload) == depth
            assert is_too_deep(payload) is (depth > MAX_DEPTH)


@given(st.lists(st.sampled_from([b"[", b"{", b"]", b"}", b",", b'"', b"\\", b" "]), max_size=60))
def test_any_text_is_judged_as_by_the_book(pieces: list[bytes]) -> None:
    """JSON or not; each piece so often that the bound is reached."""
    payload = b"".join(piece * (60 if piece in b"[{" else 1) for piece in pieces)
    assert is_too_deep(payload) is (depth_of(payload) > MAX_DEPTH)


@given(st.lists(st.booleans(), max_size=100))
def test_each_payload_of_many_is_judged_by_itself(deep: list[bool]) -> None:
    """Neighbours add no levels."""
    payloads = [mixed(MAX_DEPTH + 1 if each else MAX_DEPTH) for each in deep]
    assert too_deep(payloads) == [number for number, each in enumerate(deep) if each]
