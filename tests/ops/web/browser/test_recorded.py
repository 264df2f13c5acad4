"""Looking back at a real recording, served by the command `view`, with the keyboard alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.ops.web.browser.page import Keys, Page
from tests.ops.web.browser.test_look import BEYOND
from tests.reader.book_rows import ASK, BID, row, snapshot
from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

if TYPE_CHECKING:
    from selenium import webdriver

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
DAY = "#/day/venue/BTC-USD/2024-02-01"
WIDTH = "return document.documentElement.scrollWidth"
POINTER = "return document.querySelector('.day-pointer').getAttribute('d')"
CAUSE = "the connection was lost"
CHECKSUM = "Not known to be right: the book did not match the exchange's checksum."
QUESTIONS = """
return performance.getEntriesByType('resource')
  .filter((each) => each.name.includes('/book?')).length;
"""


def at(hour: int) -> int:
    """An hour of the first day, in ns."""
    return MIDNIGHT_NS + hour * HOUR_MS * MS


def recorded(folder: Path) -> Recorder:
    """Two exchanges; a day with holes and a book, one without rows, a good and a damaged one."""
    recorder = Recorder(folder / "data")
    rows = [
        trade(n, n * HOUR_MS, price=100.0 + n % 5, size=1.0) for n in range(24) if n not in (5, 6)
    ]
    recorder.write(Table.TRADES, [*rows, *(trade(n, 2 * DAY_MS + n) for n in (50, 51))])
    quotes = [trade(n, n * HOUR_MS, best_bid=99.0, best_ask=105.0) for n in range(24)]
    recorder.write(Table.QUOTES, quotes)
    recorder.write(Table.TRADES, [trade(n, 3 * DAY_MS + n) for n in (1, 2)], of=1)
    book = [(BID, 99.0 - n, 0.5) for n in range(12)] + [(ASK, 105.25 + n, 2.0) for n in range(12)]
    changes = [row(12 * HOUR_MS, BID, 99.5, 1234.5), row(23 * HOUR_MS, ASK, 105.25, 0)]
    recorder.write(Table.BOOK, [*snapshot(HOUR_MS, *book), *changes])
    recorder.miss(GapRecord(0, Table.BOOK, None, None, at(13), at(15), Cause.CHECKSUM))
    begin, end = (MIDNIGHT_NS + halves * HOUR_MS * MS // 2 for halves in (9, 13))
    recorder.miss(GapRecord(0, Table.TRADES, 5, 6, begin, end, Cause.DISCONNECT))
    price = recorder.folder / "other/XBT%2FUSD/TRADES/trade_price.04.02.24.bin"
    price.write_bytes(price.read_bytes()[:-1])
    return recorder


@pytest.fixture(scope="module")
def viewer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the command `view`."""
    recorder = recorded(tmp_path_factory.mktemp("viewed"))
    command = [sys.executable, "-m", "tick_logger", "view", str(recorder.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield said.split(": ")[1].split(" ")[0]
        process.terminate()
    assert process.returncode == 0


@pytest.fixture
def page(chromium: webdriver.Chrome, viewer: str) -> Iterator[Page]:
    """Not yet opened; in the end its console has no complaints."""
    page = Page(chromium, viewer)
    page.size(1280)
    page.prefer(color_scheme="light", reduced_motion="reduce")
    yield page
    assert page.errors() == []
    chromium.get("about:blank")


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what has the focus reads so, or is called so."""
    name = "return document.activeElement.getAttribute('aria-label') ?? ''"
    for _ in range(40):
        page.press(Keys.TAB)
        if words in (page.focused() or "") or words in page.run(name):
            return
    raise AssertionError(f"Tab does not come to {words!r}")


def test_from_the_calendar_to_a_hole_by_keyboard(page: Page) -> None:
    """Days are told on focus; Enter chooses one, then a symbol; the chart's pointer is moved."""
    page.open()
    page.reads("What was recorded", "#banner")
    page.reads("BTC-USD", ".recorded")
    assert not page.find("#place-now").is_displayed()
    tab_to(page, "venue, 4 Feb 2024: missing, nothing was recorded")
    page.press(Keys.HOME)
    page.reads("1 Feb 2024: degraded, 1 of 1 symbol with a hole", ".calendar ~ .readout")
    page.reads("72 rows, 2 holes, up to 2 h missing", ".calendar ~ .readout")
    page.press(Keys.ARROW_RIGHT)
    page.reads("2 Feb 2024: missing, nothing was recorded", ".calendar ~ .readout")
    page.press(Keys.ARROW_LEFT, Keys.ENTER)
    page.reads("Symbols, 1 Feb 2024 on venue", "#recorded")
    page.reads("1 to 1 of 1 symbol", "#recorded")
    tab_to(page, "BTC-USD")
    page.press(Keys.ENTER)
    page.reads("BTC-USD on venue, 1 Feb 2024", "#recorded")
    page.reads(f"trades: {CAUSE} 04:30:00.000 to 06:30:00.000, 2 h ids 5 to 6, 2 ids", ".gaps")
    assert len(page.driver.find_elements("css selector", ".day-holes rect")) == 2
    page.reads("22 trades", "figure .readout")
    tab_to(page, "Chart of 00:00:00 to 23:00:00")
    page.press(Keys.PAGE_UP)
    for _ in range(40):
        page.press(Keys.ARROW_LEFT)
    page.until(
        lambda: page.run("return document.querySelector('.day-pointer').getAttribute('d')"),
        "a pointer",
    )
    page.press("+")
    page.until(lambda: "22 trades" not in page.text("figure .readout"), "a shorter stretch")
    page.press(Keys.ESCAPE)
    page.reads("22 trades", "figure .readout")
    for _ in range(7):
        page.press(Keys.PAGE_UP)
    for _ in range(2):
        page.press(Keys.PAGE_DOWN)
    page.reads(f"in a hole (trades: {CAUSE})", "figure .readout")


def ladder(page: Page) -> list[str]:
    """The lines of the order book that is shown, without its head."""
    return [each.text for each in page.driver.find_elements("css selector", ".ladder tbody tr")]


def test_the_book_where_the_pointer_rests(page: Page) -> None:
    """Before the first snapshot there is none; in a hole it is shown, with the cause; it stays."""
    page.open(DAY)
    page.reads("22 trades", "figure .readout")
    page.reads("Point at a moment of the chart", ".book")
    assert not page.driver.find_element("css selector", ".ladder").is_displayed()
    chart = page.find("svg.day")
    page.point(chart, 5 - chart.rect["width"] // 2)
    page.reads("There is no order book: no snapshot was recorded up to this moment.", ".book")
    page.point(page.driver.find_elements("css selector", ".day-holes rect")[1])
    page.reads(CHECKSUM, ".book")
    page.reads("spread 5.75 · as of 12:00:00.000 · 13 bids, 12 asks", ".book")
    assert ladder(page)[:2] == ["1\u202f234.5 99.50 105.25 2.0", "0.5 99.00 106.25 2.0"]
    assert len(ladder(page)) == 10
    page.point(page.find("#recorded h2"))
    page.reads("22 trades", "figure .readout")
    page.reads("spread 5.75", ".book")


def test_the_book_where_the_keyboard_points(page: Page) -> None:
    """Of the newest moment, to the last row of the day; not one question for each key."""
    page.open(DAY)
    page.reads("22 trades", "figure .readout")
    tab_to(page, "Chart of 00:00:00 to 23:00:00")
    page.press(*[Keys.ARROW_LEFT] * 40)
    page.reads("spread 6.25 · as of 01:00:00.000 · 12 bids, 12 asks", ".book")
    assert ladder(page)[0] == "0.5 99.00 105.25 2.0"
    assert page.run(QUESTIONS) < 40
    page.press(*[Keys.PAGE_DOWN] * 7)
    page.reads("23:00:00.000 · spread 6.75 · as of 23:00:00.000 · 13 bids, 11 asks", ".book")
    assert ladder(page)[0] == "1\u202f234.5 99.50 106.25 2.0"
    assert "Not known" not in page.text(".book")


def test_days_and_names_that_are_not_there(page: Page) -> None:
    """Each has words of its own; damage is said."""
    page.allowed_errors = "404|400"
    page.open("#/day/venue/BTC-USD/2024-02-02")
    page.reads("Nothing was recorded of this symbol on this day. The nearest day", "#recorded")
    page.open("#/day/venue/NOPE/2024-02-01")
    page.reads("There is no such symbol: nothing is recorded of venue:NOPE", "#recorded")
    page.open("#/day/venue/BTC-USD/2024-02-31")
    page.reads("This day could not be had", "#recorded")
    page.open("#/day/other/XBT%2FUSD/2024-02-04")
    page.reads("trade_price.04.02.24.bin has 1 of 2 rows", ".reasons")


@pytest.mark.parametrize("address", ["#/days", "#/days/2024-02-01/venue", DAY])
def test_a_phone_shows_it_without_scrolling_sideways(page: Page, address: str) -> None:
    """Nothing reaches beyond 390 px, in the dark as well."""
    page.size(390, 844)
    page.prefer(color_scheme="dark", reduced_motion="reduce")
    page.open(address)
    page.reads("BTC-USD", "#recorded")
    page.reads("degraded", "#recorded")
    assert page.run(WIDTH) == 390
    assert page.run(BEYOND) == []
    if address == DAY:
        page.tap(page.driver.find_elements("css selector", ".day-holes rect")[1])
        page.reads(CHECKSUM, ".book")
        page.reads("spread 5.75", ".book")
        assert page.run(WIDTH) == 390
        assert page.run(BEYOND) == []


def test_symbols_are_searched_and_sorted(page: Page) -> None:
    """By the server; the column that orders them says so."""
    page.open("#/days")
    page.reads("1 to 2 of 2 symbols", "#recorded")
    page.find(".above input").send_keys("xbt")
    page.reads("1 to 1 of 1 symbol", "#recorded")
    page.find(".above input").send_keys("x")
    page.reads("No symbol matches.", "#recorded")
    page.find(".above input").send_keys(Keys.BACKSPACE)
    page.reads("1 to 1 of 1 symbol", "#recorded")
    page.find("th:nth-child(3) button").click()
    page.until(
        lambda: page.find("th:nth-child(3)").get_attribute("aria-sort") == "descending", "an order"
    )


BUSY = """
const [real, path, times] = [window.fetch, arguments[0], arguments[1]];
window.refused = 0;
window.fetch = (asked, ...options) => {
  if (!String(asked).includes(path) || window.refused >= times) return real(asked, ...options);
  window.refused += 1;
  const body = JSON.stringify({ error: "the disk is too busy" });
  return Promise.resolve(new Response(body, { status: 503 }));
};
"""
"""Answers the first requests of a path as a recorder does that has no time for pages."""


def test_a_day_that_takes_long_is_asked_for_again(page: Page) -> None:
    """Which is said meanwhile; what comes then is shown, and nothing else."""
    page.open()
    page.reads("BTC-USD", ".recorded")
    page.run(BUSY, "recorded/day", 2)
    page.run("location.hash = arguments[0]", DAY)
    page.reads("This day takes a while: the disk is too busy. It is asked for again.", "#recorded")
    page.reads("22 trades", "figure .readout")
    assert "takes a while" not in page.text("#recorded")
    assert page.run("return window.refused") == 2


def test_a_day_is_not_asked_for_without_end(page: Page) -> None:
    """Five times, and then it says why there is none."""
    page.open()
    page.reads("BTC-USD", ".recorded")
    page.run(BUSY, "recorded/day", 1_000)
    page.run("location.hash = arguments[0]", DAY)
    page.reads("This day could not be had: the disk is too busy.", "#recorded")
    assert page.run("return window.refused") == 5
