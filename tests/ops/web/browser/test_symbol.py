"""Finding a symbol, and what its view shows."""

from __future__ import annotations

import copy
import time

from tests.ops.web.browser import documents
from tests.ops.web.browser.page import Keys, Page
from tests.ops.web.browser.stub import Stub

ADDRESS = "#/symbol/kraken/BTC%2FUSD"
FOUND = [
    {"exchange": "binance", "symbol": "ETHUSDT"},
    {"exchange": "kraken", "symbol": "BTC/EUR"},
    {"exchange": "kraken", "symbol": "BTC/USD"},
]


def test_the_keyboard_alone_reaches_a_symbol_and_comes_back(page: Page, stub: Stub) -> None:
    """A slash, some letters, arrows, Enter; and the link back is a link."""
    stub.symbols, stub.symbol = FOUND, documents.symbol()
    page.open()
    page.reads("Healthy", "#banner")
    page.press("/", "btc")
    page.reads("2 found. BTC/EUR kraken BTC/USD kraken", "#found")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert page.focused().startswith("BTC/USD")
    page.press(Keys.ENTER)
    page.reads("BTC/USD on kraken", "#symbol")
    assert page.driver.current_url.endswith(ADDRESS)
    assert (
        page.focused().startswith("←") or page.run("return document.activeElement.id") == "content"
    )
    page.press(Keys.TAB)
    assert page.focused() == "← All exchanges"
    page.press(Keys.ENTER)
    page.reads("binance", "#cards")


def test_enter_opens_the_first_answer_to_what_was_typed(page: Page, stub: Stub) -> None:
    """Also when the answer was not there yet; Escape puts the answers away."""
    stub.symbols, stub.symbol = FOUND, documents.symbol()
    page.open()
    page.press("/")
    page.reads("3 found.", "#found")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.find("#found").is_displayed(), "no answers")
    page.press("BTC/USD", Keys.ENTER)
    page.reads("BTC/USD on kraken", "#symbol")


def test_more_symbols_than_are_shown_are_told(page: Page, stub: Stub) -> None:
    """The reader learns that there are more."""
    stub.symbols = [{"exchange": "okx", "symbol": f"A{number}"} for number in range(40)]
    page.open()
    page.press("/", "a")
    page.reads("The first 30; type on for fewer.", "#found")
    page.press("b")
    page.reads("No symbol matches.", "#found")


def test_the_view_shows_trades_rows_and_gaps(page: Page, stub: Stub) -> None:
    """The newest trade first; rows with their proof; gaps in words, the newest first."""
    stub.symbol = documents.symbol()
    page.open(ADDRESS)
    page.reads("Last price 61 248.5 ▼ 5.9 since 15:00:09", "#symbol")
    page.reads("Trades shown 240 in 8 min", "#symbol")
    page.reads("15:07:43.423 ▲ buy 61 248.5 0.56694 90100439", ".trades tbody tr:first-child")
    view = page.text("#symbol")
    assert "ticker 81 234 ? unprovable trades 12 345 ✓ proven" in view
    assert "order book 1 204 777 ≈ consistent" in view
    gaps = page.text(".gaps")
    assert gaps == (
        "order book: the book did not match the exchange's checksum "
        "14:01:14 to 14:02:15, 61 s ✕ not healed; ids not known "
        "trades: the connection was lost 14:01:05 to 14:01:08, 3.2 s "
        "✓ healed (rest); ids 90 100 007 to 90 100 017, 11 ids"
    )


def test_the_chart_has_words_axes_and_a_shape_for_each_side(page: Page, stub: Stub) -> None:
    """Buys and sales differ in shape; the drawing's text says first, last, lowest and highest."""
    stub.symbol = documents.symbol(trades=5)
    for trade, side in zip(
        stub.symbol["trades"], ["buy", "buy", "sell", "unknown", "buy"], strict=True
    ):
        trade[3] = side
    page.open(ADDRESS)
    page.until(lambda: "last 5 trades" in str(label(page)), "a text for the chart")
    prices = [trade[1] for trade in stub.symbol["trades"]]
    for price in (prices[0], prices[-1], min(prices), max(prices)):
        assert f"{price:,.1f}".replace(",", "\u202f") in label(page)
    shapes = [
        page.run("return document.querySelector(arguments[0]).getAttribute('d')", f".trade.{side}")
        for side in ("buy", "sell", "unknown")
    ]
    assert [shape.count("M") for shape in shapes] == [3, 1, 1]
    assert len(page.driver.find_elements("css selector", ".grid text")) >= 4


def test_the_view_follows_the_recording_and_stops_with_it(page: Page, stub: Stub) -> None:
    """New trades appear by themselves; once the view is left, nothing more is asked."""
    stub.symbol = documents.symbol()
    page.open(ADDRESS)
    page.reads("90100439", ".trades tbody")
    newer = copy.deepcopy(stub.symbol)
    newer["trades"].append([documents.NOW, 61_300.25, 0.5, "sell", "77"])
    stub.symbol = newer
    page.reads("15:07:45.250 ▼ sell 61 300.25 0.50000 77", ".trades tbody tr:first-child")
    page.find(".back").click()
    page.reads("binance", "#cards")
    asked = len([each for each in stub.asked if each.startswith("/api/symbol?")])
    page.run("return new Promise((done) => setTimeout(done, 2500))")
    assert len([each for each in stub.asked if each.startswith("/api/symbol?")]) == asked


def test_a_symbol_that_is_not_recorded_is_said_so(page: Page) -> None:
    """An old or mistyped address is no empty page."""
    page.allowed_errors = "404"
    page.open("#/symbol/kraken/NO%2FSUCH")
    page.reads("Nothing is recorded under this name.", "#symbol")
    for claim in ("No hole", "No trade", "No row", "Gaps today"):
        assert claim not in page.text("#symbol")
    page.open("#/symbol/kraken/%E0%A4%A")
    page.reads("binance", "#cards")


def test_a_symbol_without_trades_is_an_honest_empty_view(page: Page, stub: Stub) -> None:
    """No invented axis, no empty table."""
    stub.symbol = documents.symbol(trades=0) | {"rows_today": {}, "gaps_today": [], "proof": {}}
    page.open(ADDRESS)
    page.reads("No trade has been recorded today.", "#symbol")
    page.reads("No row has been recorded today.", "#symbol")
    page.reads("Nothing was recorded today that could have holes.", "#symbol")
    assert "No hole" not in page.text("#symbol")
    stub.symbol = {**stub.symbol, "rows_today": {"MD": 1}}
    page.reads("No hole is known in what was recorded today.", "#symbol")


def test_a_symbol_that_finds_no_room_is_said_so(page: Page, stub: Stub) -> None:
    """Where nothing is recorded of it, and above what was recorded before."""
    page.allowed_errors = "404"
    stub.refusal = "kraken has no symbol BTC/USD here: the connections are full"
    page.open(ADDRESS)
    page.reads(f"Nothing is recorded under this name: {stub.refusal}.", "#symbol")
    stub.symbol = documents.symbol() | {"absent": "the connections are full"}
    page.reads("It is not recorded now: the connections are full.", "#symbol")
    page.reads("90100439", ".trades tbody")


def label(page: Page) -> str:
    """The text of the price chart."""
    return str(page.run("return document.querySelector('.prices').ariaLabel"))


def test_a_hole_that_is_open_is_said_so(page: Page, stub: Stub) -> None:
    """It has no end yet."""
    began_ns = int((time.time() - 90) * 1e9)
    gap = {"table": "MD", "from_id": None, "to_id": None, "from_ns": began_ns, "to_ns": None}
    stub.symbol = documents.symbol() | {"gaps_today": [gap | {"cause": "silent", "healed": False}]}
    page.open(ADDRESS)
    page.reads("● open", ".gaps")
    page.reads("since", ".gaps")


def test_what_a_symbol_is_called_everywhere_stands_beside_it(page: Page, stub: Stub) -> None:
    """Where its exchange spells it otherwise: in what is found, and in its view."""
    stub.symbols = [
        {"exchange": "okx", "symbol": "BTC-USD", "pair": "BTC-USD"},
        {"exchange": "kraken", "symbol": "BTC/USD", "pair": "BTC-USD"},
    ]
    stub.symbol = {**documents.symbol(), "pair": "BTC-USD"}
    page.open()
    page.press("/", "btc")
    page.reads("2 found. BTC-USD okx BTC/USD BTC-USD · kraken", "#found")
    page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    page.reads("BTC/USD BTC-USD on kraken", "#symbol")
