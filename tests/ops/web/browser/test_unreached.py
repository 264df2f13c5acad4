"""What the page says of exchanges that cannot be reached: where a reader looks, and in full."""

from __future__ import annotations

import pytest

from tests.ops.web.browser import documents
from tests.ops.web.browser.page import Page
from tests.ops.web.browser.stub import Stub

pytestmark = pytest.mark.slow

REASON = "not connected: DNS: Name or service not known (wss://feed.example; since 08:21:22 UTC)"
OFFLINE = "no exchange can be reached: is this machine online?"
UNREACHABLE = {
    "since": documents.NOW - 12.0,
    "place": "wss://feed.example",
    "step": "DNS",
    "reason": "DNS: Name or service not known",
    "what_to_do": "see whether this machine is online, and whether its name server answers",
}


def nowhere(name: str) -> documents.Document:
    """An exchange that was never reached."""
    return documents.exchange(
        name,
        0.0,
        0,
        connected=False,
        unreachable=UNREACHABLE,
        seconds_since_data=None,
        last_message=None,
    )


def show(page: Page, stub: Stub, exchanges: list[documents.Document], *more: str) -> None:
    """Open the page of a recorder that cannot reach some of these exchanges."""
    gone = [each["name"] for each in exchanges if each.get("unreachable")]
    reasons = [*more, *(f"{name}: {REASON}" for name in gone)]
    stub.status = documents.document(
        exchanges, status="degraded", ready=False, reasons=reasons, not_ready=reasons
    )
    page.open()


@pytest.mark.parametrize("width", [1280, 390])
def test_offline_is_said_with_the_cause_and_what_to_do(page: Page, stub: Stub, width: int) -> None:
    """In the banner and on each card, without opening anything, on a phone as well."""
    page.size(width)
    show(page, stub, [nowhere("binance"), nowhere("coinbase")], OFFLINE)
    page.reads(OFFLINE, "#banner-reasons")
    for name in ("binance", "coinbase"):
        page.reads(f"{name}: {REASON}", "#banner-reasons")
        page.reads("not reached", f"#card-{name}")
        page.reads(REASON, f"#card-{name} .reasons")
        page.reads(f"What to do: {UNREACHABLE['what_to_do']}.", f"#card-{name} .advice")
    wide = page.run("return document.documentElement.scrollWidth")
    assert wide <= width


def test_broken_exchanges_come_first_and_the_banner_leads_to_them(page: Page, stub: Stub) -> None:
    """Whatever the alphabet says; those that are well keep their order."""
    well = [documents.exchange(name) for name in ("binance", "coinbase", "okx")]
    show(page, stub, [*well, nowhere("zaif")])
    page.reads("zaif", "#cards")
    names = page.run("return [...document.querySelectorAll('.card h3')].map(e => e.textContent)")
    assert names == ["zaif", "binance", "coinbase", "okx"]
    page.size(1280, 400)
    page.find("#banner-reasons a").click()
    page.until(lambda: page.run("return document.activeElement.id") == "card-zaif", "the card")
    top = page.run("return document.getElementById('card-zaif').getBoundingClientRect().top")
    assert 0 <= top < 400
    stub.status = documents.document([*well, documents.exchange("zaif")])
    page.until(
        lambda: page.run("return document.querySelector('.card h3').textContent") == "binance",
        "the order of those that are well",
    )


def test_a_stop_and_start_is_no_gap(page: Page, stub: Stub) -> None:
    """It is said in a sentence, and counted among no others."""
    restarted = documents.exchange(
        "okx", gaps_today={"restart": 384, "silent": 2}, stopped_symbols=96, stopped_secs=3.2
    )
    stub.status = documents.document([restarted])
    page.open()
    page.reads("96 symbols were not recorded for 3.2 s while the program was stopped.", "#card-okx")
    page.reads("Gaps today 2 2 silent", "#card-okx .facts")
    assert "384" not in page.text("#card-okx")
