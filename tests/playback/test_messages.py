"""What dialects know of recorded messages, against what the adapters understand of real ones."""

from __future__ import annotations

import json

import pytest

from tests.exchanges.said import AnySymbol
from tests.recordings import needs_recordings
from tests.replay import captures
from tests.replay.captures import Play
from tick_logger.exchanges import registry
from tick_logger.simulator.dialects.coinbase_advanced_recorded import numbered
from tick_logger.simulator.dialects.upbit_recorded import formatted
from tick_logger.simulator.registry import DIALECTS

MOST = 400  # of each capture: its kinds of messages come again and again
GARBAGE = (b"", b"[", b"{}", b"[]", b"null", b"\xff", b"[" * 5000, b'{"type":7,"ty":[],"arg":3}')


@needs_recordings
@pytest.mark.parametrize("play", captures.find(), ids=str)
def test_keys_name_what_the_adapter_finds(play: Play) -> None:
    """Each message with rows is about the symbols of these rows, and about no others."""
    exchange, messages = registry.get(play.exchange), DIALECTS[play.exchange].recorded
    symbols = AnySymbol()
    seen = 0
    for payload in play.frames()[:MOST]:
        rows = exchange.decode([payload], symbols).rows
        numbers = {number for each in rows for number in each.columns["instrument"].tolist()}
        wanted = {symbol for symbol, number in symbols.items() if number in numbers}
        keys = messages.keys(payload)
        if wanted and keys:
            seen += 1
            assert {_symbol(key, wanted) for key in keys} == wanted
        elif wanted:
            assert b'"channel":"books-l2-tbt"' in payload, "it is of a channel that is asked for"
    assert seen


def _symbol(key: str, among: set[str]) -> str:
    """The symbol that a key names, whatever case the venue writes it in."""
    return next(each for each in among if each.upper() in key.upper())


@pytest.mark.parametrize("name", sorted(DIALECTS))
@pytest.mark.parametrize("payload", GARBAGE)
def test_garbage_is_about_nothing(name: str, payload: bytes) -> None:
    """Nothing is raised for what a venue may have sent."""
    assert list(DIALECTS[name].recorded.keys(payload)) == []
    assert DIALECTS[name].recorded.merged(payload, payload) == payload


def test_a_message_has_the_number_of_its_new_connection() -> None:
    """One without a number takes none."""
    numbers = iter([7, 8])
    old = b'{"channel":"ticker","sequence_num":123456,"events":[]}'
    assert numbered(old, lambda: next(numbers)) == old.replace(b"123456", b"7")
    assert numbered(b'{"type":"error"}', lambda: next(numbers)) == b'{"type":"error"}'
    assert next(numbers) == 8


def test_a_ticker_that_was_told_in_parts_is_told_as_a_whole() -> None:
    """Of a contract, a delta has what changed."""
    messages = DIALECTS["bybit_linear"].recorded
    first = b'{"topic":"tickers.X","type":"snapshot","data":{"symbol":"X","a":"1","b":"2"},"ts":1}'
    delta = b'{"topic":"tickers.X","type":"delta","data":{"symbol":"X","b":"3"},"ts":2}'
    told = json.loads(messages.merged(first, delta))
    assert told["data"] == {"symbol": "X", "a": "1", "b": "3"}
    assert (told["type"], told["ts"]) == ("snapshot", 2)
    assert messages.merged(None, delta) == delta
    assert messages.merged(first, first) == first


def test_formats_are_changed_into_each_other() -> None:
    """Numbers stay as they were sent."""
    default = b'{"type":"trade","code":"KRW-BTC","trade_price":1.50,"ask_bid":"BID"}'
    simple = b'{"ty":"trade","cd":"KRW-BTC","tp":1.50,"ab":"BID"}'
    assert [formatted(default, variant) for variant in range(4)] == [
        default,
        simple,
        b"[" + default + b"]",
        b"[" + simple + b"]",
    ]
    assert formatted(simple, 0) == default
