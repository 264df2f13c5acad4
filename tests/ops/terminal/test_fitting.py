"""A log line on a narrow screen: why something failed is never cut in the middle of its word."""

from __future__ import annotations

import pytest

from tick_logger.ops.terminal.fitting import in_one_line

GAPS = (
    "18:48:50 gaps exchange=binance cause=restart holes=1 ids=5661 streams=['ETHUSDT TRADES', "
    "'BTCUSDT TRADES', 'DOGEUSDT TRADES']"
)
LOST = (
    "18:50:04 connection_lost exchange=coinbase connection=coinbase#3 held_secs=0.0 "
    "address=ws-feed.exchange.coinbase.com:443 reason=DNS: Name or service not known"
)


@pytest.mark.parametrize("columns", [80, 70, 60, 57])
@pytest.mark.parametrize(
    ("line", "words"),
    [(GAPS, "gaps exchange=binance cause=restart"), (LOST, "connection_lost exchange=coinbase")],
)
def test_what_matters_is_whole(columns: int, line: str, words: str) -> None:
    """Where it is, and why; the rest as far as there is room, in its order, in whole words."""
    shown = in_one_line(line, columns)
    assert len(shown) <= columns
    assert words in shown
    assert line is GAPS or shown.endswith(("known", "known …"))
    whole = {*line.split(), *line.replace("=", " ").split(), "…"}
    assert all({word, *word.replace("=", " ").split()} & whole for word in shown.split())


@pytest.mark.parametrize(
    "place",
    [
        "ws-feed.exchange.coinbase.com:443",
        "https://api.binance.com/api/v3/exchangeInfo",
        "127.0.0.1:81",
    ],
)
@pytest.mark.parametrize(
    "reason",
    ["DNS: Name or service not known", "TCP: Connection refused", "TLS: no answer within 10 s"],
)
def test_the_reason_is_whole_and_its_address_gives_way(place: str, reason: str) -> None:
    """On a screen of 80 columns; the one word of the cause gives way too."""
    line = f"08:22:10 connect_failed exchange=coinbase cause=dial reason={place}: {reason}"
    assert in_one_line(line, 80).endswith(
        f"reason={place}: {reason}" if len(line) <= 80 else f" exchange=coinbase reason={reason}"
    )


def test_what_fits_stays() -> None:
    """Byte for byte."""
    assert in_one_line(LOST, len(LOST)) == LOST


@pytest.mark.parametrize("columns", range(0, 40))
def test_no_screen_is_too_narrow(columns: int) -> None:
    """It is never longer than that."""
    assert len(in_one_line(GAPS, columns)) <= columns
    assert len(in_one_line("w" * 100, columns)) <= columns
