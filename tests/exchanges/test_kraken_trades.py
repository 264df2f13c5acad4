"""Kraken is asked for trades: what its pages say, what is no page, and walks over many ties."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchanges.trades_asked import (
    ENDPOINT,
    needs_pages,
    no_answer,
    recorded,
    said,
    sample_pages,
    taken,
    walked,
)
from tests.recordings import frames
from tick_logger.exchanges._kraken_trades import KrakenTrades
from tick_logger.exchanges.kraken import EXCHANGE
from tick_logger.exchanges.trades_by_rest import TradesWanted
from tick_logger.exchanges.walk import MOST_PAGES, MOST_STEPS

PAGES = "kraken/rest_Trades_selfmade_2026-09-26.jsonl"
RECORDING = "kraken/trade_2026-09-26.jsonl"
BTC = "BTC/USD"
TRADES = KrakenTrades()
NOON_NS = 1_790_424_000 * 10**9
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

FIRST = '["84098.40000","0.04661621",1790446074.6261902,"b","l","",109183836]'
SECOND = '["84103.1","0.5",1790446074.7,"s","m","",109183837]'


def page(*rows: str, key: str = "XXBTZUSD", last: str = '"1790446074700000001"') -> bytes:
    return f'{{"error":[],"result":{{"{key}":[{",".join(rows)}],"last":{last}}}}}'.encode()


# -- pages -----------------------------------------------------------------------------------------


@needs_pages
def test_sample_pages_are_the_trades_of_their_recording() -> None:
    of_stream = {}
    for text in frames(RECORDING):
        m = json.loads(text, parse_float=str, parse_int=str)
        for t in m["data"] if m.get("channel") == "trade" else ():
            if t["symbol"] == BTC:
                at = dt.datetime.fromisoformat(t["timestamp"])
                micros = (at - EPOCH) // dt.timedelta(microseconds=1)
                side = {"buy": 1, "sell": 0}[t["side"]]
                price, size = float(t["price"]), float(t["qty"])
                of_stream[int(t["trade_id"])] = (micros, price, size, side)
    of_rest = [t for _, body in sample_pages(PAGES) for t in said(TRADES.read(body, BTC))]
    assert len(of_rest) == len(of_stream) == 52
    # Floats have steps of 240 ns, and the stream has microseconds.
    assert {i: (round(ns / 1000), *more) for i, ns, *more in of_rest} == of_stream


@needs_pages
def test_only_what_is_wanted_is_taken_of_a_page() -> None:
    _, body = next(sample_pages(PAGES))
    ids = TradesWanted(symbol=BTC, from_id=109183840, to_id=109183842, from_ns=NOON_NS)
    assert taken(EXCHANGE, ids, body) == [109183840, 109183841, 109183842]
    times = TradesWanted(
        symbol=BTC,
        from_ns=1790446074_713742000,
        to_ns=1790446077_813222000,
        known=(109183842,),
    )
    assert taken(EXCHANGE, times, body) == [109183840, 109183841, 109183843]


def test_every_digit_of_a_row_counts() -> None:
    found = TRADES.read(page(FIRST, SECOND), BTC)
    assert said(found) == [
        (109183836, 1790446074_626190200, 84098.4, 0.04661621, 1),
        (109183837, 1790446074_700000000, 84103.1, 0.5, 0),
    ]
    assert found.cursor == "1790446074700000001"


def test_numbers_may_be_texts_or_not_and_rows_may_grow() -> None:
    odd = '[84098.4,0.04661621,"1790446074.6261902","b","l","","109183836","new",{}]'
    assert said(TRADES.read(page(odd, last="1790446074700000001"), BTC)) == [
        (109183836, 1790446074_626190200, 84098.4, 0.04661621, 1)
    ]
    body = page(FIRST).replace(b'"result"', b'"unheard_of":[1],"result"')
    assert len(TRADES.read(body, BTC)) == 1


def test_a_page_may_be_empty() -> None:
    assert said(TRADES.read(page(last='"0"'), BTC)) == []


@pytest.mark.parametrize(
    ("symbol", "keys"),
    [
        (BTC, ["XXBTZUSD", "XBTUSD", "BTC/USD", "XBT/USD", "XBTZUSD"]),
        ("DOGE/USD", ["XDGUSD", "XXDGZUSD", "DOGEUSD"]),
        ("ETH/BTC", ["XETHXXBT", "ETHXBT"]),
        ("SOL/USDT", ["SOLUSDT"]),
    ],
)
def test_an_answer_goes_by_any_name_of_its_pair(symbol: str, keys: list[str]) -> None:
    for key in keys:
        assert len(TRADES.read(page(FIRST, key=key), symbol)) == 1
    for key in ("XETHZUSD", "XXBTZEUR", "USDXBT", "", "XXXBTZUSD"):
        assert "and not of" in no_answer(TRADES, page(FIRST, key=key), symbol)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"error":["EAPI:Rate limit exceeded"]}', "EAPI:Rate limit exceeded"),
        (b'{"error":["EGeneral:Temporary lockout"],"result":{}}', "EGeneral:Temporary lockout"),
        (b'{"error":["EQuery:Unknown asset pair"]}', "EQuery:Unknown asset pair"),
        (b'{"error":[]}', "no result"),
        (b'{"error":[],"result":null}', "no result"),
        (b"{}", "required field `error`"),
        (b"<!DOCTYPE html><html></html>", "JSON is malformed"),
        (b"", "truncated"),
        (page(FIRST)[:-9], "truncated"),
        (b"[" * 5000 + b"]" * 5000, "nested"),
        (page(FIRST, last='{"x":' * 300 + "1" + "}" * 300), "nested"),
        (page(FIRST, last="null"), "no time of the last trade"),
        (page(FIRST, last='"soon"'), "no time of the last trade"),
        (page(FIRST).replace(b',"last":"1790446074700000001"', b""), "no time of the last trade"),
        (b'{"error":[],"result":{"last":"1"}}', "trades of 0 pairs"),
        (page(FIRST).replace(b'"last"', b'"XETHZUSD":[],"last"'), "trades of 2 pairs"),
        (page(FIRST, '["1","1",1790446074.7,"b","l",""]'), "at least length 7"),  # as years ago
        (page(FIRST, SECOND.replace("109183837", str(2**63))), "9223372036854775807"),
        (page(FIRST, SECOND.replace("109183837", "-1")), ">= 0"),
        (page(FIRST, SECOND.replace("109183837", "null")), "null"),
        (page(FIRST, SECOND.replace('"s"', '"sell"')), "Invalid enum value"),
        (page(FIRST, SECOND.replace("84103.1", "nan")), "price of nan"),
        (page(FIRST, SECOND.replace("84103.1", "0")), "price of 0.0"),
        (page(FIRST, SECOND.replace('"0.5"', '"1e31"')), "size of 1e+31"),
        (page(FIRST, SECOND.replace('"0.5"', '"-1"')), "size of -1.0"),
        (page(FIRST, SECOND.replace("1790446074.7", '"yesterday"')), "is not a time"),
        (page(FIRST, SECOND.replace("1790446074.7", "1e999999999")), "is not a time"),
        (page(FIRST, SECOND.replace("1790446074.7", "0.0")), "a trade without a time"),
        (page(FIRST, SECOND.replace("1790446074.7", "-1.5")), "is not a time"),
        (page(FIRST, "7"), "Expected `array`"),
    ],
)
def test_one_thing_that_cannot_be_read_makes_it_no_answer(body: bytes, reason: str) -> None:
    said = no_answer(TRADES, body, BTC)
    assert said.startswith("Trades: ")
    assert reason in said


def test_a_warning_is_no_refusal() -> None:
    body = page(FIRST).replace(b'"error":[]', b'"error":["WGeneral:Deprecated"]')
    assert len(TRADES.read(body, BTC)) == 1


def test_an_answer_of_another_pair_records_nothing() -> None:
    wanted = TradesWanted(symbol=BTC, from_id=1, to_id=2**62, from_ns=0)
    what = recorded(EXCHANGE, wanted, page(FIRST, key="XETHZUSD"))
    assert what.rows == ()
    assert [bad.reason for bad in what.decoded.bad] == [
        "back-fill: Trades: trades of 'XETHZUSD', and not of 'BTC/USD'"
    ]


# -- addresses -------------------------------------------------------------------------------------


def test_the_first_page_begins_a_second_before() -> None:
    wanted = TradesWanted(symbol="DOGE/BTC", from_id=5, to_id=9, from_ns=NOON_NS + 7)
    assert TRADES.first_url("https://api.kraken.com/", wanted) == (
        "https://api.kraken.com/0/public/Trades?pair=XDGXBT&since=1790423999000000007&count=1000"
    )
    with pytest.raises(ValueError, match="from_ns"):
        TRADES.first_url(ENDPOINT, TradesWanted(symbol=BTC, from_id=5, to_id=9))


def test_the_next_page_begins_with_what_this_one_ended_with() -> None:
    wanted = TradesWanted(symbol=BTC, from_id=1, to_id=2**62, from_ns=NOON_NS)
    found = TRADES.read(page(FIRST, SECOND), BTC)
    following = f"{ENDPOINT}/0/public/Trades?pair=XBTUSD&since=1790446074700000000&count=1000"
    assert TRADES.next_url(ENDPOINT, wanted, found) == following
    again = attrs.evolve(found, asked=following)
    assert TRADES.next_url(ENDPOINT, wanted, again) is None  # there is nothing newer
    full = KrakenTrades(page=2)
    beyond = following.replace("700000000", "700000001").replace("1000", "2")
    assert full.next_url(ENDPOINT, wanted, again) == beyond  # a tie as long as a page
    far = attrs.evolve(found, cursor="1999999999999999999")  # trades would be left out
    assert "since=1790446074700000999&" in (TRADES.next_url(ENDPOINT, wanted, far) or "")


def test_it_ends_with_an_empty_page_and_when_all_is_covered() -> None:
    found = TRADES.read(page(FIRST, SECOND), BTC)
    by_id = TradesWanted(symbol=BTC, from_id=1, to_id=109183837, from_ns=NOON_NS)
    assert TRADES.next_url(ENDPOINT, by_id, found) is None
    by_time = TradesWanted(symbol=BTC, from_ns=NOON_NS, to_ns=1790446074_699000000)
    assert TRADES.next_url(ENDPOINT, by_time, found) is None
    assert TRADES.next_url(ENDPOINT, by_time, TRADES.read(page(), BTC)) is None


# -- walks -----------------------------------------------------------------------------------------


@attrs.frozen
class Venue:
    """Answers as the venue does, from a history of (id, ns); it begins `late_ns` after `since`."""

    history: list[tuple[int, int]]
    late_ns: int = 0

    def __call__(self, url: str) -> bytes:
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["pair"] == "XBTUSD"
        since, count = int(query["since"]), int(query["count"])
        rows = [t for t in self.history if t[1] > since + self.late_ns][:count]
        last = rows[-1][1] if rows else since
        texts = [f'["1.0","1.0",{ns / 10**9:.7f},"b","l","",{number}]' for number, ns in rows]
        return page(*texts, last=f'"{last}"')


GAPS_NS = st.sampled_from([0, 0, 0, 1, 99, 500, 1_000, 10**6, 10**9, 60 * 10**9])


@st.composite
def histories(draw: st.DrawFn, most: int = 60) -> list[tuple[int, int]]:
    gaps = draw(st.lists(GAPS_NS, min_size=3, max_size=most))
    at_ns, found = NOON_NS, []
    for number, gap in enumerate(gaps, 1000):
        at_ns += gap
        found.append((number, at_ns))
    return found


def longest_tie(history: list[tuple[int, int]]) -> int:
    times = [ns for _, ns in history]
    return max(times.count(ns) for ns in times)


@settings(max_examples=60)
@given(histories(), st.data())
def test_a_walk_finds_all_that_is_wanted(
    history: list[tuple[int, int]], data: st.DataObject
) -> None:
    first = data.draw(st.integers(1, len(history) - 1))
    last = data.draw(st.integers(first, len(history) - 1))
    size = data.draw(st.integers(longest_tie(history) + 1, 70))
    wanted = TradesWanted(
        symbol=BTC,
        from_id=history[first][0],
        to_id=history[last][0],
        from_ns=history[first - 1][1] // 1000 * 1000,  # as the stream has it
    )
    found, asked = walked(KrakenTrades(size), wanted, Venue(history))
    assert sorted(set(found)) == [number for number, _ in history[first : last + 1]]
    assert len(asked) <= len(history) // (size - longest_tie(history)) + 2


@settings(max_examples=40)
@given(histories(30), st.sampled_from([1_000, 10**6, 3 * 10**9]))
def test_pages_that_do_not_join_are_asked_for_from_earlier_on(
    history: list[tuple[int, int]], late_ns: int
) -> None:
    wanted = TradesWanted(
        symbol=BTC, from_id=history[1][0], to_id=history[-1][0], from_ns=history[0][1]
    )
    found, asked = walked(KrakenTrades(40), wanted, Venue(history, late_ns))
    assert sorted(set(found)) == [number for number, _ in history[1:]]
    assert len(asked) <= MOST_STEPS


def test_ids_that_never_were_cost_a_bounded_search() -> None:
    history = [(1, NOON_NS), (20, NOON_NS + 10**9), (21, NOON_NS + 2 * 10**9)]
    wanted = TradesWanted(symbol=BTC, from_id=10, to_id=21, from_ns=NOON_NS + 10**9 + 1)
    found, asked = walked(KrakenTrades(2), wanted, Venue(history))
    assert (sorted(set(found)), len(asked)) == ([20, 21], 3)


@pytest.mark.parametrize("body", [page(), page(FIRST), page(FIRST, SECOND)])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_a_venue_that_always_says_the_same_is_left_soon(body: bytes, size: int) -> None:
    wanted = TradesWanted(symbol=BTC, from_id=1, to_id=2**62, from_ns=NOON_NS)
    _, asked = walked(KrakenTrades(size), wanted, lambda _: body)
    assert len(asked) <= MOST_STEPS + 3


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 2**40), st.integers(0, 2**60)), min_size=1, max_size=5))
def test_a_venue_that_makes_trades_up_is_left(rows: list[tuple[int, int]]) -> None:
    texts = [f'["1","1",{NOON_NS / 10**9:.7f},"b","l","",{number}]' for number, _ in rows]
    bodies = [page(text, last=f'"{last}"') for text, (_, last) in zip(texts, rows, strict=True)]
    wanted = TradesWanted(symbol=BTC, from_id=7, to_id=2**62, from_ns=NOON_NS)
    number = iter(range(10**6))
    found, asked = walked(TRADES, wanted, lambda _: bodies[next(number) % len(bodies)])
    assert set(found) <= {each for each, _ in rows if 7 <= each <= 2**62}
    assert len(asked) <= MOST_PAGES


def test_decimals_of_prices_are_those_of_the_text() -> None:
    price = "84098.40000000001"
    found = TRADES.read(page(FIRST.replace("84098.40000", price)), BTC)
    assert found.prices[0] == float(Decimal(price))
