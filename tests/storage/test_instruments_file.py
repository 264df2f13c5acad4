"""The file of what an exchange listed: its format, and what it keeps of the day."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.listed import mapped, saved
from tick_logger.model.symbol_rules import AssetClass, QuoteType
from tick_logger.storage.instruments_file import (
    UnreadableError,
    decode,
    encode,
    says_the_same,
    succeeding,
)

BTC = mapped("BTC/USD")
ETH = mapped("ETH/USDT", quote_type=QuoteType.STABLECOIN, tick_size="", kind="linear")
ODD = mapped("ö\n/", asset_class=AssetClass.UNKNOWN, active=False, lot_size="")


def test_the_format() -> None:
    """A head, then a line for each symbol in order."""
    text = encode(saved(ETH, BTC)).decode()
    assert text == (
        '{"format":1,"exchange":"venue","read_ns":1790078400000000000,'
        '"proofs":{"MD":"unprovable","TRADES":"proven"},\n'
        '"symbols": {\n'
        '"BTC/USD": {"name":"BTC-USD","base":"BTC","quote":"USD","quote_type":"fiat",'
        '"asset_class":"crypto","kind":"spot","tick_size":"0.1","lot_size":"0.001","active":true,'
        '"min_size":"","min_notional":""},\n'
        '"ETH/USDT": {"name":"ETH-USDT","base":"ETH","quote":"USDT","quote_type":"stablecoin",'
        '"asset_class":"crypto","kind":"linear","tick_size":"","lot_size":"0.001","active":true,'
        '"min_size":"","min_notional":""}}}\n'
    )
    assert list(json.loads(text)["symbols"]) == ["BTC/USD", "ETH/USDT"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_what_is_written_is_read(count: int) -> None:
    """Everything, in the order of the symbols."""
    content = saved(*sorted([BTC, ETH, ODD], key=lambda each: each.symbol)[:count])
    assert decode(encode(content)) == content


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@given(st.lists(texts, unique=True, max_size=4), texts, texts, st.booleans())
def test_any_text_survives(symbols: list[str], name: str, step: str, active: bool) -> None:
    """What exchanges call things is theirs to choose."""
    listed = [mapped(s, name=name, tick_size=step, active=active) for s in sorted(symbols)]
    content = attrs.evolve(saved(*listed), exchange="venue")
    assert decode(encode(content)) == content


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no instruments file: "),
        (b"\xff", "no instruments file: "),
        (b"[]", "no instruments file: Expected `object`, got `array`"),
        (b"{}", "no instruments file: Object missing required field `format`"),
        (b'{"format":1}', "no instruments file: Object missing required field `exchange`"),
        (b'{"format":2,"new":"things"}', "format 2 is not 1: of another version"),
        (encode(saved(BTC))[:-20], "no instruments file: Input data was truncated"),
        (encode(saved(BTC)).replace(b'"fiat"', b'"gold"'), "no instruments file: Invalid enum"),
        (encode(saved(BTC)).replace(b"true", b'"yes"'), "no instruments file: Expected `bool`"),
        (encode(saved(BTC)).replace(b"proven", b"surely", 1), "unknown proofs: "),
        (encode(saved(BTC)).replace(b'"MD"', b'"XX"'), "no instruments file: Invalid enum"),
    ],
)
def test_what_cannot_be_read(data: bytes, reason: str) -> None:
    """Said in words, and never taken for something else."""
    with pytest.raises(UnreadableError) as caught:
        decode(data)
    assert str(caught.value).startswith(reason)


def test_what_was_listed_earlier_stays() -> None:
    """Not active any more; what is listed now is as it is now."""
    before = saved(BTC, ETH, ODD, read_ns=1)
    now = saved(attrs.evolve(ETH, tick_size="0.5"), mapped("NEW/USD"), read_ns=2)
    kept = succeeding(before, now)
    assert kept.read_ns == 2
    assert {each.symbol: each for each in kept.instruments} == {
        "BTC/USD": attrs.evolve(BTC, active=False),
        "ETH/USDT": attrs.evolve(ETH, tick_size="0.5"),
        "NEW/USD": mapped("NEW/USD"),
        "ö\n/": ODD,
    }


def test_the_time_of_reading_is_nothing_new() -> None:
    """Nor is the order; everything else is."""
    one = saved(BTC, ETH, read_ns=1)
    assert says_the_same(one, saved(ETH, BTC, read_ns=2))
    assert not says_the_same(one, saved(BTC, read_ns=1))
    assert not says_the_same(one, saved(BTC, attrs.evolve(ETH, active=False), read_ns=1))
    assert not says_the_same(one, attrs.evolve(one, proofs={}))
