"""Texts from exchanges are texts, whatever they say."""

from __future__ import annotations

import urllib.parse

import pytest

from tests.ops.web.browser import documents
from tests.ops.web.browser.page import Page
from tests.ops.web.browser.stub import Stub

EVIL = documents.HOSTILE_TEXTS[0]


def test_markup_in_a_status_is_shown_and_not_obeyed(page: Page, stub: Stub) -> None:
    """In names, reasons, causes, labels, proofs and the version."""
    stub.status = documents.hostile()
    page.open()
    page.reads(EVIL, "#banner")
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for place in (
        ".card h3",
        ".reasons",
        ".card .facts",
        ".proofs",
        "table",
        ".past",
        ".names",
        "#recorder",
    ):
        page.reads(EVIL, place)
    page.reads("__proto__ proven", ".proofs")
    page.reads(documents.HOSTILE_TEXTS[1], ".card:nth-child(2) h3")
    nothing_ran(page)


def test_text_that_turns_or_never_ends_harms_nobody(page: Page, stub: Stub) -> None:
    """Turns of direction are made visible, long texts cut, and the page keeps its width."""
    stub.status = documents.hostile()
    page.size(360)
    page.open()
    page.reads("\ufffdgnp.sj", ".card:nth-child(4) h3")
    assert len(page.text(".card:nth-child(4) h3")) < 450
    assert page.run("return document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("name", [*documents.HOSTILE_TEXTS[:3], "A/B #?%&=+"])
def test_a_hostile_symbol_is_found_and_opened(page: Page, stub: Stub, name: str) -> None:
    """Its name goes through the search, the address and the question unharmed."""
    stub.symbols = [{"exchange": name, "symbol": name}]
    stub.symbol = documents.symbol(name, name, trades=3)
    stub.symbol["trades"][2] = [documents.NOW, 1.0, 1.0, EVIL, EVIL]
    stub.symbol["rows_today"] = {EVIL: 1}
    stub.symbol["gaps_today"] = [documents.gap(EVIL, 0, 5, None, EVIL, EVIL)]
    page.open()
    page.press("/", name[:3])
    page.reads(name, "#found")
    page.find("#found a").click()
    page.reads(f"{name} on {name}", "#symbol")
    page.reads(EVIL, ".trades")
    page.reads(EVIL, ".gaps")
    page.reads(EVIL, ".lines")
    part = urllib.parse.quote(name, safe="!'()*~")
    assert page.driver.current_url.endswith(f"#/symbol/{part}/{part}")
    nothing_ran(page)


def nothing_ran(page: Page) -> None:
    """No script of a text ran, and no element came of it."""
    assert page.run("return window.broken") is None
    assert "tick_logger" in page.driver.title
    assert page.run("return document.querySelectorAll('img, script:not([src])').length") == 0
