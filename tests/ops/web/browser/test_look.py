"""The page can be read: on a phone, in light and dark, without a mouse, without motion."""

from __future__ import annotations

import pytest

from tests.ops.web.browser import documents
from tests.ops.web.browser.contrast import TEXTS_SCRIPT, colour, contrast, ground
from tests.ops.web.browser.page import Keys, Page
from tests.ops.web.browser.stub import Stub

OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
BEYOND = """
return [...document.querySelectorAll('body *')]
  .filter((each) => each.checkVisibility() && !each.closest('.unseen, .skip, svg'))
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 0.5)
  .map((each) => each.outerHTML.slice(0, 120));
"""
ADDRESS = "#/symbol/kraken/BTC%2FUSD"
LEAST_CONTRAST = 4.5


@pytest.mark.parametrize("name", ["healthy", "degraded", "just_started", "hostile"])
def test_a_phone_shows_the_overview_without_scrolling_sideways(
    page: Page, stub: Stub, name: str
) -> None:
    """Nothing reaches beyond 360 px, with all cards open."""
    stub.status = getattr(documents, name)()
    page.size(360, 780)
    page.open()
    page.reads("up for", ".foot")
    page.run(OPEN_ALL)
    page.reads("The longest time", "#legend")
    assert page.run("return document.documentElement.scrollWidth") == 360
    assert page.run(BEYOND) == []


def test_a_phone_shows_a_symbol_without_scrolling_sideways(page: Page, stub: Stub) -> None:
    """Chart, trades and gaps fit as well, with a search open above them."""
    stub.symbol = documents.symbol()
    stub.symbols = [{"exchange": "kraken", "symbol": "LONG" * 12}]
    page.size(360, 780)
    page.open(ADDRESS)
    page.reads("90 100 017", "#symbol")
    page.press("/")
    page.reads("1 found.", "#found")
    assert page.run("return document.documentElement.scrollWidth") == 360
    assert page.run(BEYOND) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["healthy", "degraded", "gone", "symbol"])
def test_all_text_has_contrast(page: Page, stub: Stub, scheme: str, name: str) -> None:
    """At least 4.5 on its own ground, for every text that is shown."""
    page.prefer(color_scheme=scheme, reduced_motion="reduce")
    page.allowed_errors = "ERR_CONNECTION_REFUSED"
    stub.symbol = documents.symbol()
    stub.status = documents.degraded() if name == "degraded" else documents.healthy()
    page.open(ADDRESS if name == "symbol" else "")
    page.reads("90 100 017" if name == "symbol" else "binance", "main")
    page.run(OPEN_ALL)
    if name == "gone":
        stub.go()
        page.reads("Trying again", "#banner")
    found = page.run(TEXTS_SCRIPT)
    assert len(found) > 60
    dark_ground = sum(ground(found[0][2])[:3]) < 150
    assert dark_ground == (scheme == "dark")
    weak = {
        (text, told, str(grounds[:3]))
        for text, told, grounds in found
        if contrast(colour(told), ground(grounds)) < LEAST_CONTRAST
    }
    assert weak == set()


def test_the_formula_of_contrast_knows_its_ends() -> None:
    """Black on white is 21, grey #767676 on white just passes, half-clear black is grey."""
    white = colour("rgb(255, 255, 255)")
    assert contrast(colour("rgb(0, 0, 0)"), white) == pytest.approx(21)
    assert contrast(colour("rgb(118, 118, 118)"), white) == pytest.approx(4.54, abs=0.005)
    assert ground(["rgba(0, 0, 0, 0.5)", "rgb(255, 255, 255)"])[:3] == (127.5, 127.5, 127.5)


def test_the_tab_key_reaches_everything_and_shows_where_it_is(page: Page, stub: Stub) -> None:
    """Each stop has a name and a visible outline, in the order of the page."""
    stub.status = documents.degraded()
    page.open()
    page.reads("binance", "#cards")
    stops = []
    for _ in range(12):
        page.press(Keys.TAB)
        stops.append(page.focused())
        style = page.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid", stops
    assert (
        stops
        == [
            "Skip to the content",
            "tick_logger",
            "Now",
            "Recorded",
            "query",
            "kraken: 0 of 1 connections open",
            "okx: no data for 95 s",
            "0 connections, 0 reconnects",
            "2 connections, 1 reconnect",
            "4 connections, 0 reconnects",
            "What the words mean",
            "health",
            "",
        ][: len(stops)]
    )


def test_motion_is_left_out_where_it_is_not_wanted(page: Page, stub: Stub) -> None:
    """Nothing moves for who asked for that; something does for others, so the test can fail."""
    page.open()
    page.reads("live", "#pulse")
    moving = "return document.getAnimations().length"
    assert page.run(moving) == 0
    page.prefer(color_scheme="light", reduced_motion="no-preference")
    page.until(lambda: page.run(moving) == 1, "the beat of the live sign")
