"""The file that remembers how busy streams are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.storage.layout import RatesPath, objection_to, parse, rates_path
from tick_logger.storage.rates_file import (
    MOST_BYTES,
    MOST_SYMBOLS,
    UnreadableRatesError,
    decode,
    encode,
)

TEXT = b'{"format":1,"rates":{"BTCUSDT":{"ticker":3.11,"trades":12.5}}}\n'


def test_it_lies_beside_the_symbols() -> None:
    """And no symbol can be called so."""
    assert rates_path("venue") == "venue/rates.json"
    assert parse("venue/rates.json") == RatesPath("venue")
    assert parse("venue/rates.jsonl") is None
    assert objection_to("rates.json")


def test_what_is_written_is_read() -> None:
    """To three digits: nothing depends on more."""
    assert encode({"BTCUSDT": {"trades": 12.5, "ticker": 3.1111}}) == TEXT
    assert decode(TEXT) == {"BTCUSDT": {"ticker": 3.11, "trades": 12.5}}


@given(
    st.dictionaries(st.text(max_size=8), st.dictionaries(st.text(max_size=4), st.floats(0, 1e5)))
)
def test_any_rates_come_back(rates: dict[str, dict[str, float]]) -> None:
    """Whatever symbols are called."""
    found = decode(encode(rates))
    assert found.keys() == rates.keys()
    assert all(found[each].keys() == rates[each].keys() for each in rates)


def test_it_has_a_bound() -> None:
    """The busiest are kept; with four feeds each they are far smaller than what is read."""
    many = {f"SYMBOL-{n:06}": dict.fromkeys("abcd", n / 7) for n in range(MOST_SYMBOLS + 10)}
    data = encode(many)
    assert len(data) < MOST_BYTES / 2
    assert decode(data).keys() == {*list(many)[10:]}


@pytest.mark.parametrize("content", [TEXT[:-9], b"", b"\x00" * 100, b"[1]", b"{}", b'"\xff"'])
def test_what_is_damaged_is_called_so(content: bytes) -> None:
    """Wherever it ends."""
    with pytest.raises(UnreadableRatesError, match="no file of rates"):
        decode(content)


@pytest.mark.parametrize("rate", ["-1", "1e400", "2e6"])
def test_an_impossible_rate_is_damage(rate: str) -> None:
    """A plan by it would be nonsense."""
    with pytest.raises(UnreadableRatesError):
        decode(TEXT.replace(b"12.5", rate.encode()))


def test_another_version_is_not_read() -> None:
    """It may mean something else."""
    with pytest.raises(UnreadableRatesError, match="format 2 is not 1: of another version"):
        decode(TEXT.replace(b'"format":1', b'"format":2'))
