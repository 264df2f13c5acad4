"""The counts that other programs derived from some of the recordings, found again in the files.

The other tests of this folder hold for any capture; these name theirs and are skipped without it.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tests.recordings import needs_recordings
from tests.replay import captures, disk
from tests.replay.conftest import WIDTHS
from tests.replay.running import Recorded, Recordings

pytestmark = needs_recordings

MIDNIGHT = dt.datetime(2024, 8, 9, tzinfo=dt.UTC)
DAY = int(MIDNIGHT.timestamp()) // 86_400

PRODUCTS = {
    "BAND-GBP": (5, 881613, 881617),
    "NU-GBP": (2, 563678, 563679),
    "YFI-BTC": (1, 889760, 889760),
    "SKL-BTC": (9, 280231, 280239),
    "CRV-EUR": (1, 99021, 99021),
    "DASH-BTC": (16, 923560, 923575),
    "SKL-USD": (53, 1568267, 1568319),
}


@pytest.fixture(params=WIDTHS)
def btcusdt(request: pytest.FixtureRequest, recordings: Recordings) -> Recorded:
    """The two captures around a midnight."""
    names = [f"binance/ws_2024-08-{day}_btcusdt_trade-bookTicker-depth" for day in ("08", "09")]
    return named("+".join(names), request.param, recordings)


@pytest.fixture(params=WIDTHS)
def products(request: pytest.FixtureRequest, recordings: Recordings) -> Recorded:
    """The capture of seven products."""
    name = "coinbase/ws_2021-04-17_level2-ticker-matches_7products"
    return named(name, request.param, recordings)


def named(name: str, dtype: str, recordings: Recordings) -> Recorded:
    """A recording by the name of its play."""
    found = recordings.named(name, dtype)
    if found is None:
        pytest.skip(f"there is no capture {name}")
    return found


def test_btcusdt_trades(btcusdt: Recorded) -> None:
    """19,904 trades, and no id is missing."""
    ids = disk.read(btcusdt.symbol("BTCUSDT"), "TRADES", btcusdt.dtype)["trade_id"]
    assert len(ids) == 19_904
    assert ids.tolist() == list(range(3735683259, 3735703162 + 1))


def test_btcusdt_midnight(btcusdt: Recorded) -> None:
    """The recorder's clock was 1.27 s behind: its files change days, the trades do so by theirs."""
    folder = btcusdt.symbol("BTCUSDT")
    assert disk.days(folder, "TRADES") == [DAY - 1, DAY]
    assert disk.days(folder, "BOOK") == [DAY - 1, DAY]
    by_day = [disk.read(folder, "TRADES", btcusdt.dtype, day) for day in (DAY - 1, DAY)]
    last, first = by_day[0]["time_ns"][-1], by_day[1]["time_ns"][0]
    assert last < MIDNIGHT.timestamp() * 10**9 <= first
    # The captures have 9757 and 10147 trade frames; 19 of the first are of the next day.
    assert [len(part["trade_id"]) for part in by_day] == [9757 - 19, 10147 + 19]


def test_btcusdt_quotes(btcusdt: Recorded) -> None:
    """Every book ticker has an update id of its own."""
    ids = disk.read(btcusdt.symbol("BTCUSDT"), "QUOTES", btcusdt.dtype)["update_id"]
    assert len(ids) == 28_040 + 45_134
    assert (np.diff(ids.astype(np.int64)) > 0).all()


def test_products(products: Recorded) -> None:
    """Each product's matches, the one from before the subscription included, and its tickers."""
    found = {}
    for symbol in PRODUCTS:
        ids = disk.read(products.symbol(symbol), "TRADES", products.dtype)["trade_id"]
        ticks = disk.read(products.symbol(symbol), "MD", products.dtype)["time_ns"]
        assert len(ticks) == len(ids)  # each match has its ticker
        found[symbol] = (len(ids), int(ids.min()), int(ids.max()))
    assert found == PRODUCTS


@pytest.mark.parametrize("width", WIDTHS)
def test_no_trades_where_only_aggregates_were_subscribed(
    recordings: Recordings, width: str
) -> None:
    """aggTrade and kline say nothing that is recorded."""
    found = [recordings.of(play, width) for play in captures.find() if "aggTrade" in str(play)]
    if not found:
        pytest.skip("there is no capture of aggTrade")
    for recorded in found:
        assert list(recorded.folder.rglob("TRADES")) == []
