"""Upbit is asked for trades: what its pages say, what is no page, and walks over midnight."""

from __future__ import annotations

import json
from typing import Any
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
from tick_logger.exchanges._upbit_trades import UpbitTrades
from tick_logger.exchanges.trades_by_rest import TradesWanted
from tick_logger.exchanges.upbit import EXCHANGE

PAGES = "upbit/rest_trades_ticks_selfmade_2021-04-05.jsonl"
RECORDING = "upbit/ws_2021-04-05_trade-orderbook_simple.jsonl.gz"
STX = "KRW-STX"
TRADES = UpbitTrades()
AT_MS = 1617646739000
DAY_MS = 86_400_000
MIDNIGHT_MS = 1_790_380_800_000


def trade(number: object, **other: object) -> dict[str, object]:
    fields = {"trade_price": 3040, "trade_volume": 4.95098684, "ask_bid": "BID"}
    return {"market": STX, "timestamp": AT_MS, **fields, "sequential_id": number} | other


def page(*trades: object) -> bytes:
    return json.dumps(trades).encode()


# -- pages -----------------------------------------------------------------------------------------


@needs_pages
def test_sample_pages_are_the_trades_of_their_recording() -> None:
    of_stream = set()
    for text in frames(RECORDING):
        m = json.loads(text, parse_float=str)
        if (m.get("ty"), m.get("cd")) == ("trade", STX):
            side = {"BID": 1, "ASK": 0}[m["ab"]]
            numbers = float(m["tp"]), float(m["tv"])
            of_stream.add((int(m["sid"]), int(m["ttms"]) * 10**6, *numbers, side))
    pages = [said(TRADES.read(body, STX)) for _, body in sample_pages(PAGES)]
    assert [len(each) for each in pages] == [50, 50, 30, 0]
    of_rest = [trade for each in pages for trade in each]
    assert of_rest == sorted(of_stream, reverse=True)[:130]  # the pages end there


@needs_pages
def test_a_walk_asks_for_the_sample_pages_one_after_another() -> None:
    answers = dict(sample_pages(PAGES))
    wanted = TradesWanted(symbol=STX, from_id=1617646663000015, from_ns=0)
    found, asked = walked(UpbitTrades(50), wanted, lambda url: answers[url.removeprefix(ENDPOINT)])
    assert (len(found), len(set(found)), len(asked)) == (130, 130, 3)


@needs_pages
def test_only_what_is_wanted_is_taken_of_a_page() -> None:
    _, body = next(sample_pages(PAGES))
    ids = TradesWanted(symbol=STX, from_id=1617646739000002, to_id=1617646739000004)
    assert taken(EXCHANGE, ids, body) == [1617646739000000 + n for n in (2, 3, 4)]
    known = tuple(1617646739000000 + n for n in (0, 1, 2, 5))
    times = TradesWanted(symbol=STX, from_ns=AT_MS * 10**6, to_ns=AT_MS * 10**6, known=known)
    assert taken(EXCHANGE, times, body) == [1617646739000000 + n for n in (3, 4)]


def test_every_digit_of_a_literal_counts() -> None:
    body = page(trade(7)).replace(b"3040", b"1.16539000E8").replace(b"4.95098684", b"0.10000000")
    assert said(TRADES.read(body, STX)) == [(7, AT_MS * 10**6, 116539000.0, 0.1, 1)]
    texts = trade("7", trade_price="3040", trade_volume="4.95098684", timestamp=str(AT_MS))
    assert said(TRADES.read(page(texts), STX)) == said(TRADES.read(page(trade(7, new=[])), STX))


def test_a_page_may_be_empty() -> None:
    assert said(TRADES.read(b"[]", STX)) == []


REFUSED = b'{"error":{"name":"too_many_requests","message":"Too many API requests."}}'
GOOD = trade(7)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (REFUSED, "too_many_requests: Too many API requests."),
        (b'{"error":{"name":404,"message":"Code not found"}}', "404: Code not found"),
        (b"{}", "Expected `array`"),
        (b"null", "Expected `array`"),
        (b"<!DOCTYPE html><html></html>", "JSON is malformed"),
        (b"", "truncated"),
        (page(GOOD)[:-9], "truncated"),
        (b"[" * 5000 + b"]" * 5000, "nested"),
        (page(GOOD, trade(8, more=json.loads("[" * 300 + "]" * 300))), "nested"),
        (page(GOOD, trade(8, market="KRW-BTC")), "a trade of 'KRW-BTC', and not of 'KRW-STX'"),
        (page(GOOD, trade(2**63)), "9223372036854775807"),
        (page(GOOD, trade(10**40)), "9223372036854775807"),
        (page(GOOD, trade(-1)), ">= 0"),
        (page(GOOD, trade("x")), "Expected `int`"),
        (page(GOOD, trade(8, ask_bid="BUY")), "Invalid enum value"),
        (page(GOOD, trade(8, trade_price=0)), "price of 0.0"),
        (page(GOOD, trade(8, trade_price="nan")), "price of nan"),
        (page(GOOD, trade(8, trade_volume=1e31)), "size of 1e+31"),
        (page(GOOD, trade(8, trade_volume=None)), "got `null`"),
        (page(GOOD, trade(8, timestamp=0)), "a trade without a time"),
        (page(GOOD, trade(8, timestamp="soon")), "Expected `int`"),
        (page(GOOD, 7), "Expected `object`"),
    ],
)
def test_one_thing_that_cannot_be_read_makes_it_no_answer(body: bytes, reason: str) -> None:
    why = no_answer(TRADES, body, STX)
    assert why.startswith("trades/ticks: ")
    assert reason in why


def test_an_answer_of_another_market_records_nothing() -> None:
    what = recorded(EXCHANGE, TradesWanted(symbol="KRW-BTC", from_id=1), page(GOOD))
    assert what.rows == ()
    assert [bad.reason for bad in what.decoded.bad] == [
        "back-fill: trades/ticks: a trade of 'KRW-STX', and not of 'KRW-BTC'"
    ]


# -- addresses -------------------------------------------------------------------------------------


def query(url: str | None) -> dict[str, str]:
    assert url is not None
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert asked.pop("market") == STX
    assert asked.pop("count") == "500"
    return asked


def wanted(**given: Any) -> TradesWanted:  # noqa: ANN401
    return TradesWanted(symbol=STX, **given)


def at_ns(days: float, *, secs: float = 0.0) -> int:
    """A time so long after a midnight."""
    return MIDNIGHT_MS * 10**6 + round(days * DAY_MS) * 10**6 + round(secs * 10**9)


def test_the_first_page_is_of_the_day_of_the_last_one_that_is_wanted() -> None:
    def first(**given: Any) -> dict[str, str]:  # noqa: ANN401
        return query(TRADES.first_url(ENDPOINT, wanted(**given)))

    assert TRADES.first_url("https://api.upbit.com/", wanted()) == (
        "https://api.upbit.com/v1/trades/ticks?market=KRW-STX&count=500"
    )
    noon = {"asked_ns": at_ns(0.5)}
    assert first(to_id=41, **noon) == {"cursor": "42"}
    assert first(to_id=41, to_ns=at_ns(0.1), **noon) == {"cursor": "42"}
    assert first(to_id=41, to_ns=at_ns(-0.1), **noon) == {"cursor": "42", "days_ago": "1"}
    assert first(to_ns=at_ns(0.25), **noon) == {"to": "060002"}
    assert first(to_ns=at_ns(-2.75), **noon) == {"to": "060002", "days_ago": "3"}
    assert first(to_ns=at_ns(0, secs=-1.5), **noon) == {"days_ago": "1"}  # up to midnight
    assert first(to_ns=at_ns(-20), **noon)["days_ago"] == "7"
    assert first(to_id=41, to_ns=at_ns(-20)) == {"cursor": "42"}  # nobody says what day it is
    # Whether the venue's day has changed is not certain within a minute after midnight.
    assert "days_ago" not in first(to_id=41, to_ns=at_ns(-0.1), asked_ns=at_ns(0, secs=59))
    assert first(to_id=41, to_ns=at_ns(-0.1), asked_ns=at_ns(0, secs=60))["days_ago"] == "1"


def test_it_ends_when_all_is_covered() -> None:
    found = TRADES.read(page(trade(9), trade(7)), STX)
    assert TRADES.next_url(ENDPOINT, wanted(from_id=7), found) is None
    assert query(TRADES.next_url(ENDPOINT, wanted(from_id=6), found)) == {"cursor": "7"}
    assert TRADES.next_url(ENDPOINT, wanted(from_ns=AT_MS * 10**6 + 1), found) is None
    on = TRADES.next_url(ENDPOINT, wanted(from_ns=AT_MS * 10**6), found)
    assert query(on) == {"cursor": "7"}  # there may be more in that millisecond


def test_after_an_empty_page_comes_the_day_before_as_far_as_there_is_one() -> None:
    empty = TRADES.read(b"[]", STX)

    def after(asked: str, **given: Any) -> str | None:  # noqa: ANN401
        told = attrs.evolve(empty, asked=asked and f"{ENDPOINT}/v1/trades/ticks?{asked}")
        return TRADES.next_url(ENDPOINT, wanted(**given), told)

    noon = {"asked_ns": at_ns(0.5)}
    assert query(after("cursor=7", from_ns=at_ns(-0.1), **noon)) == {"days_ago": "1"}
    again = attrs.evolve(TRADES.read(page(trade(7)), STX), asked="x?cursor=7&days_ago=1")
    following = TRADES.next_url(ENDPOINT, wanted(from_id=3, **noon), again)
    assert query(following) == {"days_ago": "2"}  # a page that does not get on says no more
    assert query(after("cursor=7&days_ago=1", from_id=3, **noon)) == {"days_ago": "2"}
    assert after("cursor=7", from_ns=at_ns(0.1), **noon) is None
    assert after("cursor=7&days_ago=7", from_id=3, **noon) is None
    assert after("cursor=7", from_id=3) is None
    assert after("", from_id=3, **noon) is None


# -- walks -----------------------------------------------------------------------------------------


@attrs.frozen
class Venue:
    """Answers as the venue does, from a history of (id, ms), at a time by its own clock."""

    history: list[tuple[int, int]]
    now_ms: int
    inclusive: bool = False

    def __call__(self, url: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        day = self.now_ms // DAY_MS - int(asked.get("days_ago", 0))
        rows = [t for t in self.history if t[1] // DAY_MS == day and t[1] <= self.now_ms]
        if "cursor" in asked:
            cursor = int(asked["cursor"]) + self.inclusive
            rows = [t for t in rows if t[0] < cursor]
        if "to" in asked:
            hours, minutes, seconds = (int(asked["to"][n : n + 2]) for n in (0, 2, 4))
            until_ms = (hours * 3600 + minutes * 60 + seconds) * 1000
            rows = [t for t in rows if t[1] % DAY_MS < until_ms]
        rows = rows[::-1][: int(asked["count"])]
        return page(*(trade(number, timestamp=ms) for number, ms in rows))


GAPS_MS = st.sampled_from([0, 0, 0, 1, 250, 1_000, 60_000, 3_600_000, DAY_MS // 2])


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, int]]:
    at_ms, found = MIDNIGHT_MS - draw(st.sampled_from([0, 1, 5_000, DAY_MS])), []
    for number, gap in enumerate(draw(st.lists(GAPS_MS, min_size=2, max_size=25))):
        at_ms = min(at_ms + gap, MIDNIGHT_MS + 3 * DAY_MS)
        found.append((at_ms * 10_000 + number, at_ms))
    return found


@settings(max_examples=40)
@given(histories(), st.data())
def test_a_walk_finds_all_that_is_wanted(
    history: list[tuple[int, int]], data: st.DataObject
) -> None:
    """By ids or by times, whatever the day, and although clocks differ."""
    first = data.draw(st.integers(0, len(history) - 1))
    last = data.draw(st.integers(first, len(history) - 1))
    size = data.draw(st.integers(2, 50))
    now_ms = history[-1][1] + data.draw(st.sampled_from([0, 30_000, 100_000, DAY_MS]))
    asked_ms = now_ms + data.draw(st.sampled_from([-30_000, 0, 30_000]))
    (from_id, from_ms), (to_id, to_ms) = history[first], history[last]
    by_id = data.draw(st.booleans())
    given: dict[str, int] = {"from_id": from_id, "to_id": to_id} if by_id else {}
    given |= {"from_ns": from_ms * 10**6, "to_ns": to_ms * 10**6, "asked_ns": asked_ms * 10**6}
    venue = Venue(history, now_ms, inclusive=data.draw(st.booleans()))
    found, asked = walked(UpbitTrades(size), wanted(**given), venue)
    low, high = (from_id, to_id) if by_id else (from_ms * 10_000, to_ms * 10_000 + 9_999)
    assert sorted(set(found)) == [number for number, _ in history if low <= number <= high]
    assert len(asked) <= len(history) // (size - 1) + 10


@pytest.mark.parametrize("body", [b"[]", page(trade(9)), page(trade(9), trade(7))])
def test_a_venue_that_always_says_the_same_is_left_soon(body: bytes) -> None:
    for since in ({"from_id": 1}, {"from_ns": 1}):
        _, asked = walked(TRADES, wanted(asked_ns=at_ns(1.5), **since), lambda _: body)
        assert len(asked) <= 16  # a page and one that does not get on, for each of eight days
