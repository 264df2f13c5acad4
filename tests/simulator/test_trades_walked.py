"""Walks over the pages of simulated Kraken, Bybit and Upbit bring the true trades."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.exchanges.trades_asked import ENDPOINT, Said, said
from tests.simulator.clients import exchange
from tick_logger.exchanges import registry
from tick_logger.exchanges.base import VenueError
from tick_logger.exchanges.trades_by_rest import TradesByRest, TradesPage, TradesWanted
from tick_logger.exchanges.walk import Walk
from tick_logger.simulator.exchange import SimulatedExchange
from tick_logger.simulator.faults import Faults, PageFaults
from tick_logger.simulator.truth import TrueTrade

SYMBOLS = {
    "kraken": "BTC/USD",
    "bybit": "BTCUSDT",
    "bybit_linear": "BTCUSDT",
    "upbit": "KRW-BTC",
}
each_venue = pytest.mark.parametrize("name", SYMBOLS)


class Found(NamedTuple):
    """The trades that a walk brought, and how many pages it took."""

    trades: set[Said]
    pages: int


async def traded(nursery: trio.Nursery, name: str, secs: float) -> SimulatedExchange:
    """A venue after so many seconds of trading, which has come to an end."""
    served = exchange(name, messages_per_second=400.0, symbols=[SYMBOLS[name], _other(name)])
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as inner:
            await inner.start(served.run_market)
            await trio.sleep(secs)
            scope.cancel()
    return served


def _other(name: str) -> str:
    return SYMBOLS[name].replace("BTC", "ETH")


def asked_of(name: str) -> TradesByRest:
    trades = registry.get(name).trades_by_rest
    assert trades is not None
    return trades


def rows(true: list[TrueTrade]) -> set[Said]:
    side = {"buy": 1, "sell": 0}
    return {(t.trade_id, t.event_ns, float(t.price), float(t.size), side[t.side]) for t in true}


def rounded(found: set[Said], step_ns: int) -> set[Said]:
    half = step_ns // 2
    return {(n, (ns + half) // step_ns * step_ns, p, size, side) for n, ns, p, size, side in found}


def read(served: SimulatedExchange, name: str, url: str) -> TradesPage:
    status, body = served.rest(url.removeprefix(ENDPOINT))
    if status != 200:
        raise VenueError(f"status {status}")
    return asked_of(name).read(body, SYMBOLS[name])


def walked(served: SimulatedExchange, name: str, wanted: TradesWanted) -> Found:
    """What is wanted and found; a page that is no answer is asked for again, some times."""
    walk, found, pages, patience = Walk(asked_of(name), ENDPOINT, wanted), set[Said](), 0, 200
    while walk.url is not None:
        pages += 1
        try:
            page = read(served, name, walk.url)
        except VenueError:
            patience -= 1
            assert patience, "it never answers"
            continue
        found |= {t for t, of in zip(said(page), wanted.of(page).tolist(), strict=True) if of}
        walk.answered(page)
    return Found(rounded(found, 1000 if name == "kraken" else 1), pages)


def whole(name: str, true: list[TrueTrade]) -> TradesWanted:
    first, last = true[1], true[-2]
    asked_ns = true[-1].event_ns
    ids = (first.trade_id, last.trade_id) if name in ("kraken", "upbit") else (None, None)
    return TradesWanted(
        symbol=SYMBOLS[name],
        from_id=ids[0],
        to_id=ids[1],
        from_ns=first.event_ns,
        to_ns=last.event_ns,
        asked_ns=asked_ns,
    )


@each_venue
async def test_a_walk_brings_the_true_trades(
    name: str, autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """All that are wanted, but for Bybit, which has one page."""
    served = await traded(nursery, name, 20.0)
    true = served.truth.trades(SYMBOLS[name])
    wanted = whole(name, true)
    found = walked(served, name, wanted)
    expected = rows(true[1:-1])
    if not name.startswith("bybit"):
        assert len(expected) > 1000  # two pages and more
        assert found.trades == expected
        assert 2 <= found.pages <= len(expected) // 499 + 2
        return
    most = {"bybit": 60, "bybit_linear": 1000}[name]
    newest = rows(true[-most:])
    assert found.pages == 1
    assert found.trades == {t for t in newest if wanted.to_ns and t[1] <= wanted.to_ns}


@each_venue
@pytest.mark.parametrize(
    "fault",
    [
        {"overlap_probability": 0.7},
        {"short_probability": 0.5},
        {"truncated_probability": 0.3},
        {"web_page_probability": 0.3},
        {"of_another_probability": 0.3},
        {"refusal_probability": 0.3, "refusal_status": 418, "retry_after": ""},
    ],
    ids=lambda fault: next(iter(fault)),
)
async def test_nothing_wrong_comes_of_pages_that_are_wrong(
    name: str, fault: dict[str, float], autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    """And nothing is missing, where older pages can be asked for."""
    served = await traded(nursery, name, 5.0)
    true = served.truth.trades(SYMBOLS[name])
    served.set_faults(Faults(pages=PageFaults(**fault)))  # type: ignore[arg-type]
    found = walked(served, name, whole(name, true))
    assert found.trades <= rows(true)
    if not name.startswith("bybit"):
        assert rows(true[1:-1]) <= found.trades


@each_venue
@pytest.mark.parametrize(
    "fault", [{"empty_probability": 0.5}, {"repeat_probability": 0.5}, {"lag_secs": 5.0}], ids=str
)
async def test_a_walk_over_pages_that_leave_out_much_ends(
    name: str, fault: dict[str, float], autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    served = await traded(nursery, name, 6.0)
    true = served.truth.trades(SYMBOLS[name])
    served.set_faults(Faults(pages=PageFaults(**fault)))  # type: ignore[arg-type]
    found = walked(served, name, whole(name, true))
    assert found.trades <= rows(true)
    assert found.pages <= 40


@pytest.mark.parametrize(
    ("name", "target", "status", "words"),
    [
        ("kraken", "/0/public/Trades?pair=BTCUSD", 200, "EQuery:Unknown asset pair"),
        ("kraken", "/0/public/Trades?pair=XBTUSD&count=1001", 200, "Invalid arguments:count"),
        ("kraken", "/0/public/Trades?pair=XBTUSD&since=now", 200, "Invalid arguments:since"),
        ("bybit", "/v5/market/recent-trade?category=spot&symbol=X", 200, "Not supported symbols"),
        ("bybit", "/v5/market/recent-trade?category=linear&symbol=BTCUSDT", 200, "category"),
        ("bybit", "/v5/market/recent-trade?category=spot&symbol=BTCUSDT&limit=61", 200, "limit"),
        ("upbit", "/v1/trades/ticks?market=X", 404, "Code not found"),
        ("upbit", "/v1/trades/ticks?market=KRW-BTC&count=501", 400, "too large"),
        ("upbit", "/v1/trades/ticks?market=KRW-BTC&days_ago=8", 400, "too large"),
        ("upbit", "/v1/trades/ticks?market=KRW-BTC&cursor=x", 400, "invalid"),
    ],
)
async def test_a_request_that_is_wrong_is_refused(
    name: str, target: str, status: int, words: str, autojump_clock: MockClock
) -> None:
    given, body = exchange(name).rest(target)
    assert given == status
    assert words in json.dumps(json.loads(body))
    with pytest.raises(VenueError, match=words):
        asked_of(name).read(body, SYMBOLS[name])


async def test_kraken_names_its_pairs_in_the_old_way(
    autojump_clock: MockClock, nursery: trio.Nursery
) -> None:
    served = exchange("kraken", symbols=["BTC/USD", "DOGE/USD", "SOL/USD", "ETH/BTC"])
    keys = []
    for pair in ("XBTUSD", "XDGUSD", "SOLUSD", "ETHXBT"):
        _, body = served.rest(f"/0/public/Trades?pair={pair}")
        keys += [key for key in json.loads(body)["result"] if key != "last"]
    assert keys == ["XXBTZUSD", "XXDGZUSD", "SOLUSD", "XETHXXBT"]
