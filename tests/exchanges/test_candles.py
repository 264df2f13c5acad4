"""Minute candles of every venue: how they are asked for, and what an answer says."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import trio
from trio.testing import MockClock

from tests.fakes.clock import VirtualClock
from tests.fakes.simulated import simulated
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.candles_by_rest import (
    CandlesByRest,
    CandlesWanted,
    unwrap_candles,
    wrap_candles,
)
from tick_logger.exchanges.decoding import decode
from tick_logger.model.candles import Measure
from tick_logger.model.routes import REST
from tick_logger.model.wanted import WantedTables
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults, PageFaults
from tick_logger.simulator.registry import DIALECTS

ENDPOINT = "http://venue.test"
VENUES = sorted(registry.available())
COUNTS = {"binance", "kraken"}
FIRST = 30_000_000  # 2027-01-15 08:00 UTC

# Shaped as the venues' documents describe them; no live answer was at hand.
BINANCE = (
    '[[1800000000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",'
    '1800000059999,"2434.19055334",308,"1756.87402397","28.46694368","0"],'
    '[1800000060000,"0.1","0.1","0.1","0.1","0.0",1800000119999,"0.0",0,"0.0","0.0","0"]]'
)
OKX = (
    '{"code":"0","msg":"","data":['
    '["1800000120000","3.7","3.8","3.6","3.7","99","99","366.3","0"],'
    '["1800000060000","3.721","3.743","3.677","3.708","8422410","22698348.04","12698348.04","1"],'
    '["1800000000000","3.731","3.799","3.494","3.72","24912403","67632347.24","37632347.24","1"]]}'
)
BYBIT = (
    '{"retCode":0,"retMsg":"OK","result":{"symbol":"A","category":"spot","list":['
    '["1800000060000","17055.5","17073","17027","17055.5","268611","15.74462667"],'
    '["1800000000000","17071","17071","17027","17055.5","10","0.5"]]},'
    '"retExtInfo":{},"time":1800000125000}'
)
COINBASE = "[[1800000060,0.32,4.2,0.35,4.2,12.3],[1800000000,0.3,4.1,0.3,4.0,1.5e-3]]"
KRAKEN = (
    '{"error":[],"result":{"XXBTZUSD":['
    '[1800000000,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23],'
    '[1800000060,"30305.7","30305.7","30305.7","30305.7","0.0","0.00000000",0]],'
    '"last":1800000060}}'
)
UPBIT = (
    '[{"market":"KRW-BTC","candle_date_time_utc":"2027-01-15T08:01:00",'
    '"candle_date_time_kst":"2027-01-15T17:01:00","opening_price":8616000,"high_price":8618000,'
    '"low_price":8611000,"trade_price":8616000,"timestamp":1800000117000,'
    '"candle_acc_trade_price":60018891.90054,"candle_acc_trade_volume":6.96780929,"unit":1}]'
)
ANSWERS: dict[str, tuple[str, str, list[float]]] = {
    "binance": ("BTCUSDT", BINANCE, [308, 0]),
    "okx": ("BTC-USDT", OKX, [24912403, 8422410]),
    "bybit": ("A", BYBIT, [10, 268611]),
    "bybit_linear": ("A", BYBIT.replace("spot", "linear"), [10, 268611]),
    "coinbase": ("BTC-USD", COINBASE, [0.0015, 12.3]),
    "coinbase_advanced": ("BTC-USD", COINBASE, [0.0015, 12.3]),
    "kraken": ("BTC/USD", KRAKEN, [23, 0]),
    "upbit": ("KRW-BTC", UPBIT, [0, 6.96780929]),
}


def asked(name: str) -> CandlesByRest:
    found = registry.get(name).candles_by_rest
    assert found is not None
    return found


def wanted(symbol: str, first: int = FIRST, minutes: int = 2) -> CandlesWanted:
    return CandlesWanted(symbol=symbol, from_minute=first, to_minute=first + minutes)


@pytest.mark.parametrize("name", VENUES)
def test_what_documents_show_is_read(name: str) -> None:
    """Of two minutes, where one that is not over yet is left out."""
    symbol, body, values = ANSWERS[name]
    found = asked(name).of(body.encode(), wanted(symbol), 7)
    assert found.minutes.tolist() == [FIRST, FIRST + 1]
    assert found.values.tolist() == values
    assert (found.symbol, found.at_ns) == (symbol, 7)
    assert found.measure is (Measure.COUNT if name in COUNTS else Measure.VOLUME)


@pytest.mark.parametrize("name", VENUES)
def test_nothing_is_taken_that_was_not_asked_for(name: str) -> None:
    """Also where an answer goes on before and behind it."""
    symbol, body, values = ANSWERS[name]
    found = asked(name).of(body.encode(), wanted(symbol, FIRST + 1, 1), 7)
    assert (found.minutes.tolist(), found.values.tolist()) == ([FIRST + 1], values[1:])


@pytest.mark.parametrize("name", VENUES)
def test_what_is_no_answer_is_refused(name: str) -> None:
    """Web pages, errors, other symbols, times within a minute, and numbers that are none."""
    symbol, body, _ = ANSWERS[name]
    wrong = ["", "<html>", "{}", "null", '{"a":[]}', "[[]]", "[" * 5000, body[: len(body) // 2]]
    wrong.append(body.replace("180000006", "180000007").replace("08:01:00", "08:01:10"))
    last = {"binance": "308", "okx": '"24912403"', "bybit": '"268611"', "kraken": "23"}
    number = last.get(name.removesuffix("_linear"), "12.3" if "coinbase" in name else "6.96780929")
    wrong += [body.replace(number, each) for each in ("-1", "null", '"x"', "{}")]
    if name in {"bybit", "bybit_linear", "kraken", "upbit"}:  # the others name none
        wrong.append(body.replace("XXBTZUSD", "XETHZUSD").replace("KRW-BTC", "KRW-ETH"))
        wrong[-1] = wrong[-1].replace('"symbol":"A"', '"symbol":"B"')
    for each in wrong:
        assert each != body
        with pytest.raises(VenueError):
            asked(name).of(each.encode(), wanted(symbol), 7)


def test_refusals_of_status_200_are_refused() -> None:
    okx = '{"code":"51001","msg":"Instrument ID does not exist","data":[]}'
    bybit = '{"retCode":10001,"retMsg":"params error","result":{}}'
    kraken = '{"error":["EGeneral:Too many requests"]}'
    for name, body in (("okx", okx), ("bybit", bybit), ("kraken", kraken)):
        with pytest.raises(VenueError, match=r"exist|params|Too many"):
            asked(name).of(body.encode(), wanted(ANSWERS[name][0]), 7)


def test_advanced_is_asked_at_the_exchange() -> None:
    candles = asked("coinbase_advanced")
    assert candles.endpoint("https://api.coinbase.com/") == "https://api.exchange.coinbase.com"
    assert candles.endpoint(ENDPOINT) == ENDPOINT


@pytest.mark.parametrize("name", VENUES)
def test_an_answer_in_the_journal_gives_no_rows(name: str) -> None:
    """And it is understood: nothing is kept aside; what was asked for comes out again."""
    symbol, body, _ = ANSWERS[name]
    payload = wrap_candles(wanted(symbol), body.encode())
    assert unwrap_candles(payload) == (wanted(symbol), body.encode())
    routes, times = np.array([REST], np.uint8), np.array([1])
    said = decode(registry.get(name), [payload], times, {symbol: 0}, WantedTables(), routes)
    assert (said.rows, said.aside, said.losses, said.decoded.bad) == ((), (), (), ())


async def market(name: str, secs: float) -> SimulatedExchange:
    """A venue that has traded for so long, some of it unheard."""
    exchange = simulated(
        name,
        symbols=tuple(DIALECTS[name].symbols[:2]),
        clock=VirtualClock(),
        seed=3,
        messages_per_second=2.0,
        step_secs=1.0,
    )
    with trio.move_on_after(secs):
        await exchange.run_market()
    return exchange


def truth(exchange: SimulatedExchange, name: str, symbol: str) -> dict[int, float]:
    """What was traded in each minute."""
    counts: Counter[int] = Counter()
    volumes: defaultdict[int, Decimal] = defaultdict(Decimal)
    for each in exchange.truth.kept(symbol):
        minute = each.event_ns // (60 * 10**9)
        counts[minute] += 1
        volumes[minute] += Decimal(each.size)
    found: dict[int, Any] = dict(counts) if name in COUNTS else dict(volumes)
    return {minute: float(value) for minute, value in found.items()}


def ask(exchange: SimulatedExchange, name: str, request: CandlesWanted) -> bytes:
    url = urlsplit(asked(name).url(ENDPOINT, request))
    status, body = exchange.rest(f"{url.path}?{url.query}")
    assert status == 200, body
    return body


@pytest.mark.parametrize("name", VENUES)
async def test_a_simulated_venue_tells_all_that_was_traded(
    name: str, autojump_clock: MockClock
) -> None:
    """Of each minute that is over, in as many answers as that takes; nothing else."""
    exchange, candles = await market(name, 330.0), asked(name)
    (symbol, other) = DIALECTS[name].symbols[:2]
    expected = truth(exchange, name, symbol)
    last = max(expected)
    first = last - 4
    found: dict[int, float] = {}
    for start in range(first, last, 2):
        request = wanted(symbol, start, 2)
        answer = candles.of(ask(exchange, name, request), request, 1)
        found |= dict(zip(answer.minutes.tolist(), answer.values.tolist(), strict=True))
    assert found == pytest.approx({m: expected.get(m, 0.0) for m in range(first, last)}, rel=1e-12)
    assert len(set(found.values())) > 1
    request = wanted(symbol, first, min(candles.most_minutes, 600))
    assert len(candles.of(ask(exchange, name, request), request, 1).minutes) >= 4
    exchange.set_faults(Faults(pages=PageFaults(empty_probability=1.0)))
    empty = candles.of(ask(exchange, name, wanted(symbol, first)), wanted(symbol, first), 1)
    assert not empty.values.any()
    exchange.set_faults(Faults(pages=PageFaults(truncated_probability=1.0)))
    with pytest.raises(VenueError):
        candles.of(ask(exchange, name, wanted(other, first)), wanted(other, first), 1)
