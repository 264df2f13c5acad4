"""What a person reads on the overview."""

from __future__ import annotations

import copy

import pytest

from tests.ops.web.browser import documents
from tests.ops.web.browser.page import Page
from tests.ops.web.browser.stub import Stub


def test_the_status_is_said_in_words(page: Page, stub: Stub) -> None:
    """Healthy or degraded, and why; the title says it as well."""
    page.open()
    page.reads("Healthy", "#banner")
    page.reads("4 exchanges, 9 of 9 connections open, nothing dropped.", "#banner")
    stub.status = documents.degraded()
    page.reads("Degraded, and not ready", "#banner")
    for reason in stub.status["reasons"]:
        page.reads(reason, "#banner")
    page.until(lambda: "degraded" in page.driver.title, "degraded in the title")


def test_the_figures_of_the_recorder_are_there(page: Page) -> None:
    """Each figure of the status that is about the whole, with its unit."""
    page.open()
    page.reads("Messages 2 868 per second last 10 min", "#tiles")
    tiles = page.text("#tiles")
    for words in (
        "Rows 3 729 per second",
        "Durable lag 410 ms",
        "Loop lag 4.0 ms",
        "Disk left 412 GB of 1.00 TB 42 days until full",
        "Dropped 0 messages buffer 0.5 % full",
    ):
        assert words in tiles
    assert page.text("#recorder") == (
        "Ready yes Journal 1.23 GB 41.0 kB per second Last checkpoint 12 s ago "
        "Waiting to be stored 2 batches Buffered 1.23 MB of 268 MB Disk 412 GB free of 1.00 TB "
        "Disk use 9.93 GB per day Longest step 4.0 ms tick_logger.net.intake.intake.Intake.run "
        "Started 12:21:05 2 h 47 min ago Version 0.1.0"
    )
    assert page.text("#clock") == "15:07:45 UTC"
    assert "up for 2 h 47 min" in page.text(".foot")


def test_the_archive_says_what_waits_and_what_it_has(page: Page, stub: Stub) -> None:
    """Here and in the bucket, as far as it is to be there; each exchange its last sealed day."""
    page.open()
    page.reads("Last sealed day 14 Jun 2025 available, 99.99 % covered", ".card:nth-child(1)")
    page.reads("Last sealed day none yet", ".card:nth-child(4)")
    assert "rchive" not in page.text("#recorder")
    sealed = {"day": "2025-06-13", "condition": "degraded", "coverage": 0.5}
    stub.status["exchanges"][0]["sealed"] = sealed
    kept = {"local": 5_000_000, "s3": 900_000_000}
    stub.status["archive"] = {
        "rows_waiting": 1_200_000, "objects_waiting": 3, "bytes_waiting": 41_000_000,
        "oldest_secs": 7_200.0, "kept_bytes": kept,
    }  # fmt: skip
    page.reads("Last sealed day 13 Jun 2025 degraded, 50.00 % covered", ".card:nth-child(1)")
    page.reads(
        "Waiting for the archive 3 objects 41.0 MB, the oldest for 2 h; "
        "1 200 000 rows to be packed Archived here 5.00 MB Archived in the bucket 900 MB",
        "#recorder",
    )
    del kept["local"]
    stub.status["archive"] |= {"rows_waiting": 0, "objects_waiting": 0, "oldest_secs": 0.0}
    page.until(lambda: "Archived here" not in page.text("#recorder"), "the bucket alone")
    page.reads("Waiting for the archive 0 objects Archived in the bucket", "#recorder")


def test_open_holes_and_silence_are_said_while_they_last(page: Page, stub: Stub) -> None:
    """On the card and in the line at the top: why, since when and for how long."""
    hole = {"cause": "silent", "streams": 3, "since": documents.NOW - 12.0, "seconds": 12.0}
    quiet = documents.exchange("okx", seconds_since_data=8.0, holes_open=3, open_holes=[hole])
    stub.status = documents.document([quiet])
    page.open()
    page.reads("hole open, 3 streams since 15:07:33, for 12 s", ".card .troubles")
    page.reads("the subscription was accepted, yet nothing came", ".card .troubles")
    page.reads("Gaps today 0 3 open", ".card .facts")
    page.reads("no data for 8 s", ".card .facts")
    page.reads("3 streams with an open hole, okx: no data for 8 s.", "#banner")


def test_each_exchange_has_a_card_with_its_figures(page: Page, stub: Stub) -> None:
    """State, speeds, latency, silence, gaps by cause, late rows, troubles and proofs."""
    stub.status = documents.degraded()
    page.open()
    page.reads("okx ◐ partly connected 1/2 connections · 24 symbols", ".card:nth-child(2)")
    card = page.text(".card:nth-child(2)")
    for words in (
        "no data for 95 s",
        "0 messages/s",
        "0 rows/s",
        "Latency 12 ms p99 84 ms",
        "Last data 2 min ago",
        "Gaps today 3 2 disconnect, 1 overflow",
        "Late today 0",
        "Doubtful today 9 7 crossed, 2 after a jump",
        "12 messages dropped",
        "3 messages not understood",
        "1 204 ids missing",
        "2 symbols left out",
        "1 configured symbol not listed",
        "5 subscriptions silent",
        "? ticker unprovable",
        "✓ trades proven",
        "≈ order book consistent",
    ):
        assert words in card, words
    assert "binance ✓ connected 4/4 connections" in page.text(".card:nth-child(3)")
    assert "kraken ✕ not connected 0/1 connections" in page.text(".card:nth-child(1)")
    assert "Latency not known Last data never" in page.text(".card:nth-child(1)")


def test_a_card_opens_on_its_connections_and_reconnects(page: Page) -> None:
    """Counts, each connection, and what was lost when, newest first."""
    page.open()
    card = ".card:nth-child(3)"
    page.find(f"{card} summary").click()
    page.reads("Messages 4 123 456 Rows 5 345 678 Dropped 0 Not understood 0 Duplicates 17", card)
    page.reads("0-public.0 ● open 2 h 46 min 12 24 of 24 0 0 15.5 0.2 s ago", f"{card} table")
    page.reads("15:04:35 3 min ago 0-public.0 eof the peer closed the connection", f"{card} ol")
    page.reads("14 Jun 14:07:45 25 h ago 0-public.0 eof close code 1001", f"{card} ol")
    assert page.text(f"{card} ol").index("15:04:35") < page.text(f"{card} ol").index("13:04:25")


def test_every_symbol_that_is_not_recorded_is_named(page: Page, stub: Stub) -> None:
    """In the part of a card that opens, however many; nothing is said where there is none."""
    stub.status = documents.degraded()
    many = [f"S{number}" for number in range(1_062)]
    stub.status["exchanges"][0] |= {"symbols_left_out": len(many), "left_out": many}
    page.open()
    page.reads("1 062 symbols left out", "#card-binance")
    page.run("document.querySelectorAll('.card details').forEach((each) => { each.open = true; })")
    page.reads("Left out Listed, and no connection has room", "#card-binance details")
    page.reads(" ".join(many), "#card-binance .names")
    page.reads("ETH-USDT ZRX-USDT Not listed Configured", "#card-okx details")
    page.reads("NO-SUCH", "#card-okx section:last-of-type .names")
    assert "Left out" not in page.text("#card-kraken details")
    stub.status = documents.healthy()
    page.until(lambda: "Left out" not in page.text(".card details"), "no name any more")


def test_what_is_open_and_focused_stays_so_while_figures_change(page: Page, stub: Stub) -> None:
    """Live figures do not pull the page from under the reader's hands."""
    page.open()
    summary = page.find(".card:nth-child(3) summary")
    summary.click()
    changed = copy.deepcopy(stub.status)
    del changed["exchanges"][0]
    changed["exchanges"][1]["messages"] = 999
    stub.status = changed
    page.reads("Messages 999", ".card:nth-child(2) details[open]")
    assert page.driver.switch_to.active_element == summary


def test_before_the_first_exchange_nothing_is_invented(page: Page, stub: Stub) -> None:
    """A recorder that has just started says so, and what is not known is not a number."""
    stub.status = documents.just_started()
    page.open()
    page.reads("Not ready yet no exchange has connected yet", "#banner")
    page.reads("No exchange has been opened yet.")
    page.reads("Durable lag \N{EN DASH}", "#tiles")
    page.reads("time until full not known yet", "#tiles")


@pytest.mark.parametrize("name", ["healthy", "degraded", "just_started", "hostile"])
def test_no_word_of_the_machine_reaches_the_reader(page: Page, stub: Stub, name: str) -> None:
    """Neither NaN nor undefined nor null, also inside the cards."""
    stub.status = getattr(documents, name)()
    page.open()
    page.reads("up for", ".foot")
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.until(lambda: not page.run("return document.querySelector('details:not([open])')"), "open")
    shown = page.text()
    for word in ("NaN", "undefined", "null", "[object", "Infinity"):
        assert word not in shown


def test_charts_say_in_words_what_they_show(page: Page, stub: Stub) -> None:
    """Each drawing has a text of its own."""
    past = stub.status["exchanges"][2]["history"]["messages_per_second"]
    page.open()
    page.reads("Healthy", "#banner")
    labels = page.run(
        "return [...document.querySelectorAll('[role=img]')]"
        ".map((each) => each.ariaLabel.replaceAll(/\\s/g, ' '))"
    )
    assert len(labels) == 6 + 4 * 2
    assert all(labels)
    told = f"now {past[-1]:.1f}, between {min(past):.1f} and {max(past):.1f}"
    assert f"Messages per second over the last 10 min: {told}" in labels
    assert "Disk used: 59 %" in labels


def test_a_reader_who_listens_is_told_of_changes_and_not_of_each_second(
    page: Page, stub: Stub
) -> None:
    """The live region changes with the situation; seconds that count up are no news."""
    stub.status = documents.degraded()
    page.open()
    page.until(lambda: "no data for 95 s" in heard(page), "the reason")
    counted = copy.deepcopy(stub.status)
    counted["reasons"][0] = "okx: no data for 96 s"
    stub.status = counted
    page.reads("no data for 96 s", "#banner")
    assert "no data for 95 s" in heard(page)
    stub.status = documents.healthy()
    page.until(lambda: heard(page).startswith("Healthy"), "the recovery")
    assert page.find("#announce").get_attribute("aria-live") == "polite"


def heard(page: Page) -> str:
    """What the live region says."""
    return str(page.run("return document.getElementById('announce').textContent"))
