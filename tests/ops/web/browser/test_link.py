"""The page and the recorder: going, coming back, falling silent, and asking for a token."""

from __future__ import annotations

from tests.ops.web.browser import documents
from tests.ops.web.browser.page import By, Keys, Page
from tests.ops.web.browser.stub import Stub

TOKEN = "a-Token_1.2~3"
STALE = "return document.body.classList.contains('stale')"


def test_a_recorder_that_goes_is_missed_and_found_again(page: Page, stub: Stub) -> None:
    """The page says so, marks its figures as old, tries again by itself, and recovers."""
    page.allowed_errors = "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET"
    page.open()
    page.reads("Healthy", "#banner")
    assert not page.run(STALE)
    stub.go()
    page.reads("The recorder cannot be reached", "#banner")
    page.reads("Nothing answers at its address. The figures below are", "#banner")
    page.reads("Trying again", "#banner")
    page.reads("stale for", "#pulse")
    assert page.run(STALE)
    assert "2 868" in page.text("#tiles")  # what was known is still there
    stub.status = documents.degraded()
    stub.come()
    page.reads("Degraded", "#banner")
    page.reads("live", "#pulse")
    assert not page.run(STALE)


def test_the_reader_need_not_wait_for_the_next_try(page: Page, stub: Stub) -> None:
    """A button tries at once; pauses grow, so that a recorder that starts is left in peace."""
    page.allowed_errors = "ERR_CONNECTION_REFUSED"
    page.open()
    page.reads("Healthy", "#banner")
    stub.go()
    page.reads("Trying again in 4 s", "#banner")  # the third pause: 1, 2, 4
    stub.come()
    page.find("#banner-action").click()
    page.reads("Healthy", "#banner")
    assert not page.find("#banner-action").is_displayed()


def test_a_recorder_that_falls_silent_is_noticed(page: Page, stub: Stub) -> None:
    """An open connection without news is not called live."""
    page.open()
    page.reads("Healthy", "#banner")
    stub.silent = True
    page.run("const now = Date.now; Date.now = () => now() + 6000")  # six seconds later
    page.reads("No news from the recorder", "#banner")
    page.reads("stale for", "#pulse")
    assert page.run(STALE)


def test_the_token_is_asked_for_once_and_kept_for_the_tab(page: Page, stub: Stub) -> None:
    """A wrong one is said to be wrong; the right one opens all, also after a reload."""
    page.allowed_errors = "401"
    stub.token, stub.symbol = TOKEN, documents.symbol()
    stub.symbols = [{"exchange": "kraken", "symbol": "BTC/USD"}]
    page.open()
    page.run("sessionStorage.clear()")
    page.reads("A token is needed", "#banner")
    page.reads("This recorder asks for a token", "#token")
    page.press("wrong", Keys.ENTER)
    page.reads("The recorder did not accept this token.", "#token")
    page.press("no good", Keys.ENTER)
    page.reads("A token has no spaces", "#token")
    page.press(TOKEN, Keys.ENTER)
    page.reads("Healthy", "#banner")
    assert not page.find("#token").is_displayed()
    page.open("#/symbol/kraken/BTC%2FUSD")
    page.reads("Last price 61 248.5", "#symbol")
    assert not page.find("#token").is_displayed()
    assert TOKEN not in " ".join(stub.asked)  # never in an address
    assert page.run("return localStorage.length") == 0
    page.run("sessionStorage.clear()")


def test_a_reader_without_a_token_can_put_the_question_off(page: Page, stub: Stub) -> None:
    """Escape closes the question; a button in the banner asks again; nothing leaks meanwhile."""
    page.allowed_errors = "401"
    stub.token = TOKEN
    page.open()
    page.reads("This recorder asks for a token", "#token")
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.find("#token").is_displayed(), "no question")
    assert not page.find("#overview").is_displayed()
    page.find("#banner-action").click()
    page.reads("This recorder asks for a token", "#token")
    assert page.driver.find_element(By.ID, "token-input").get_attribute("type") == "password"
