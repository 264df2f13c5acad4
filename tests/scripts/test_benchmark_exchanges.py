"""The benchmark of exchanges: cases, symbols and addresses for every venue, and honest tables."""

from __future__ import annotations

import pytest

from scripts.benchmark.exchanges import VenueCase, cases, complain, local, table
from scripts.benchmark.venues import payload_bytes, symbols_of
from tick_logger.simulator.dialects.base import Dialect
from tick_logger.simulator.registry import DIALECTS
from tick_logger.simulator.symbols import SymbolSpec, spec_of
from tick_logger.simulator.wire import frame


class LowerCase(Dialect):
    """A venue that writes its symbols in lower case."""

    symbols = ("btcusd",)

    @staticmethod
    def spec(symbol: str) -> SymbolSpec:
        """The pair of the bitcoin and the dollar."""
        return spec_of(symbol, "BTC", "USD")


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_any_number_of_symbols_is_in_the_spelling_of_the_venue(name: str) -> None:
    """All differ, its own come first, and each made one keeps the quote currency of the first."""
    kind = DIALECTS[name]
    symbols = symbols_of(kind, 100)
    assert len(set(symbols)) == 100
    assert symbols[: len(kind.symbols)] == list(kind.symbols)
    quote = kind.spec(kind.symbols[0]).quote
    made = [kind.spec(symbol) for symbol in symbols[len(kind.symbols) :]]
    assert {spec.quote for spec in made} == {quote}
    assert [spec.base for spec in made[:2]] == ["BENCH0", "BENCH1"]


def test_fewer_symbols_than_the_venue_has_are_its_first() -> None:
    """A small case uses real names only."""
    kind = DIALECTS["binance"]
    assert symbols_of(kind, 2) == list(kind.symbols[:2])


def test_symbols_in_lower_case_stay_in_lower_case() -> None:
    """Though the names of their currencies are not."""
    made = symbols_of(LowerCase, 3)  # type: ignore[type-abstract] # none is made
    assert made == ["btcusd", "bench0usd", "bench1usd"]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_the_header_of_a_frame_is_no_payload(size: int) -> None:
    """Each length of header is taken off."""
    assert payload_bytes(frame(1, b"x" * size)) == size


def test_an_endpoint_moves_to_this_machine_with_its_path() -> None:
    """Paths belong to the protocol; encryption, host and port do not."""
    assert local("wss://stream.test:9443/ws/v5", 17) == "ws://127.0.0.1:17/ws/v5"
    assert local("https://api.test", 17) == "http://127.0.0.1:17"


def test_an_exchange_has_a_case_for_each_of_its_feeds() -> None:
    """In the order of the tables."""
    feeds = ["ticker", "trades", "quotes", "orderbook"]
    assert cases("binance", 5) == [VenueCase("binance", feed, 5) for feed in feeds]


def test_all_means_every_exchange_that_can_be_simulated() -> None:
    """None is left out."""
    assert {case.exchange for case in cases("all", 5)} == set(DIALECTS)


def test_an_unknown_exchange_is_refused_with_what_there_is() -> None:
    """The message helps."""
    with pytest.raises(SystemExit, match=r"'binanse'.*there are: binance, "):
        cases("binanse", 5)


def test_what_went_wrong_is_counted_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Broken rules, reconnects and warnings; not what is merely informed of."""
    log = '{"level": "info", "event": "a"}\n{"level": "warning", "event": "b"}\n'
    finished = {"violations": ["too fast"], "reconnects": 2}
    assert complain(VenueCase("acme", "trades", 5), finished, log) == 3
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(": ")[0] for line in told] == ["acme, trades"] * 3


def test_the_table_leaves_out_what_a_case_has_not() -> None:
    """Levels belong to books only, and no doubts are not worth a zero."""
    row = {"exchange": "acme", "feed": "trades", "messages": 1234.0, "bytes_per_message": 10.4}
    row |= {"rows": 1200.0, "us_per_message": 2.345, "doubts": 0.0}
    assert table([row]).splitlines()[2] == "| acme | trades | 1,234 | 10 | 1,200 | 2.35 |  |  |"
