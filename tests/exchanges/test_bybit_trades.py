"""Bybit is asked for trades: what its one page says on spot and linear, and what is no page."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

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
from tick_logger.exchanges.bybit import EXCHANGES
from tick_logger.exchanges.trades_by_rest import TradesByRest, TradesWanted

PAGES = "bybit/rest_recent-trade_selfmade_2026-08-09.jsonl"
RECORDING = "bybit/ws_2026-08-09_spot.jsonl"
ETH = "ETHUSDT"
SPOT, LINEAR = EXCHANGES
AT_MS = 1786310860447
UUIDS = ("5bcd1b50-7d3c-5e0b-9c8e-6f7b0f3c9d11", "ffffffff-ffff-ffff-ffff-ffffffffffff")


def asked(exchange: Any) -> TradesByRest:  # noqa: ANN401 - either of the two
    trades: TradesByRest = exchange.trades_by_rest
    return trades


def trade(number: str, **other: object) -> dict[str, object]:
    fields = {"price": "1923.28", "size": "0.15416", "side": "Sell", "time": str(AT_MS)}
    return {"execId": number, "symbol": ETH, **fields, "isBlockTrade": False} | other


def page(*trades: object, category: str = "spot") -> bytes:
    result = {"category": category, "list": list(trades)}
    answer = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}, "time": AT_MS}
    return json.dumps(answer).encode()


@needs_pages
def test_sample_pages_are_the_trades_of_their_recording() -> None:
    of_stream = set()
    for text in frames(RECORDING):
        m = json.loads(text)
        for t in m["data"] if m.get("topic") == f"publicTrade.{ETH}" else ():
            side = {"Buy": 1, "Sell": 0}[t["S"]]
            row = (int(t["i"]), int(t["T"]) * 10**6, float(t["p"]), float(t["v"]), side)
            of_stream.add(row)
    whole, short = [said(asked(SPOT).read(body, ETH)) for _, body in sample_pages(PAGES)]
    assert len(whole) == 9
    assert set(whole) == of_stream
    assert short == whole[:5]


@needs_pages
def test_only_what_is_wanted_is_taken_of_a_page() -> None:
    _, body = next(sample_pages(PAGES))
    wanted = TradesWanted(
        symbol=ETH,
        from_ns=1786310853016 * 10**6,
        to_ns=1786310858233 * 10**6,
        known=(2280000001739247457,),
    )
    assert taken(SPOT, wanted, body) == [
        2280000001739247456, 2280000001739247459, 2280000001739247460
    ]  # fmt: skip


def test_ids_of_linear_are_those_of_its_stream() -> None:
    body = page(*map(trade, UUIDS), category="linear")
    ids = [UUID(text).int >> 68 for text in UUIDS]
    assert [row[0] for row in said(asked(LINEAR).read(body, ETH))] == ids
    data = [
        {"T": AT_MS, "s": ETH, "S": "Sell", "v": "0.15416", "p": "1923.28", "i": text}
        for text in UUIDS
    ]
    message = json.dumps({"topic": f"publicTrade.{ETH}", "type": "snapshot", "data": data})
    (rows,) = LINEAR.decode([message.encode()], {ETH: 0}).rows
    assert rows.columns["seq"].tolist() == ids


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.name)
def test_a_page_may_be_empty_and_may_grow(exchange: Any) -> None:  # noqa: ANN401
    category = asked(exchange).first_url("", TradesWanted(symbol=ETH)).split("category=")[1]
    body = page(category=category.partition("&")[0])
    assert said(asked(exchange).read(body, ETH)) == []
    grown = page(trade("7", seq="12", rpi=True)).replace(b'"OK"', b'"OK","more":[{}]')
    assert said(asked(SPOT).read(grown, ETH)) == [(7, AT_MS * 10**6, 1923.28, 0.15416, 0)]


def test_numbers_may_be_texts_or_not() -> None:
    bare = trade("7") | {"execId": 7, "price": 1923.28, "size": 0.15416, "time": AT_MS}
    assert said(asked(SPOT).read(page(bare), ETH)) == said(asked(SPOT).read(page(trade("7")), ETH))


REFUSED = b'{"retCode":10006,"retMsg":"Too many visits!","result":{},"retExtInfo":{},"time":1}'
GOOD = trade("7")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (REFUSED, "Too many visits! (code 10006)"),
        (REFUSED.replace(b"{}", b"null"), "Too many visits! (code 10006)"),
        (b'{"retCode":10001,"retMsg":"Not supported symbols","result":{}}', "code 10001"),
        (b'{"retCode":0,"retMsg":"OK","result":{}}', "required field `category`"),
        (b'{"retCode":0,"retMsg":"OK"}', "got `null`"),
        (b"{}", "required field `retCode`"),
        (page().replace(b"[]", b"null"), "got `null`"),
        (page(GOOD, category="linear"), "'linear', and not 'spot'"),
        (b"<!DOCTYPE html><html></html>", "JSON is malformed"),
        (b"", "truncated"),
        (page(GOOD)[:-90], "truncated"),
        (b"[" * 5000 + b"]" * 5000, "nested"),
        (page(GOOD, trade("8", more=json.loads("[" * 300 + "]" * 300))), "nested"),
        (page(GOOD, trade("8", symbol="BTCUSDT")), "a trade of 'BTCUSDT', and not of 'ETHUSDT'"),
        (page(GOOD, trade(str(2**63))), "9223372036854775807"),
        (page(GOOD, trade("-1")), ">= 0"),
        (page(GOOD, trade(UUIDS[0])), "Expected `int`"),
        (page(GOOD, trade("8", side="None")), "Invalid enum value"),
        (page(GOOD, trade("8", price="nan")), "price of nan"),
        (page(GOOD, trade("8", price="0")), "price of 0.0"),
        (page(GOOD, trade("8", size="1e31")), "size of 1e+31"),
        (page(GOOD, trade("8", size=None)), "got `null`"),
        (page(GOOD, trade("8", time="0")), "a trade without a time"),
        (page(GOOD, trade("8", time="now")), "Expected `int`"),
        (page(GOOD, trade("8", time=str(AT_MS * 10**9))), "9223372036854775807"),
        (page(GOOD, 7), "Expected `object`"),
    ],
)
def test_one_thing_that_cannot_be_read_makes_it_no_answer(body: bytes, reason: str) -> None:
    why = no_answer(asked(SPOT), body, ETH)
    assert why.startswith("recent-trade: ")
    assert reason in why


@pytest.mark.parametrize("number", ["7", "", UUIDS[0][:-1], UUIDS[0].replace("-", "x")])
def test_an_id_of_linear_that_is_no_uuid_makes_it_no_answer(number: str) -> None:
    body = page(trade(UUIDS[0]), trade(number), category="linear")
    assert "is not a UUID" in no_answer(asked(LINEAR), body, ETH)


def test_an_answer_of_another_symbol_records_nothing() -> None:
    wanted = TradesWanted(symbol=ETH, from_ns=0)
    what = recorded(SPOT, wanted, page(trade("7", symbol="BTCUSDT")))
    assert what.rows == ()
    assert [bad.reason for bad in what.decoded.bad] == [
        "back-fill: recent-trade: a trade of 'BTCUSDT', and not of 'ETHUSDT'"
    ]


def test_there_is_one_page() -> None:
    wanted = TradesWanted(symbol="A&B", from_ns=0)
    spot = asked(SPOT).first_url("https://api.bybit.com/", wanted)
    assert (
        spot == "https://api.bybit.com/v5/market/recent-trade?category=spot&symbol=A%26B&limit=60"
    )
    linear = asked(LINEAR).first_url(ENDPOINT, TradesWanted(symbol=ETH, from_ns=0))
    assert linear == f"{ENDPOINT}/v5/market/recent-trade?category=linear&symbol={ETH}&limit=1000"
    found, urls = walked(asked(SPOT), TradesWanted(symbol=ETH, from_ns=0), lambda _: page(GOOD))
    assert (found, len(urls)) == ([7], 1)
