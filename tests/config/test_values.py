"""Symbols that match, settings of one symbol, and the printed configuration."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.config.markets import MarketSettings, for_symbol, matches, most_lines
from tick_logger.config.printing import render
from tick_logger.config.schema import (
    AlertsConfig,
    ArchiveConfig,
    Config,
    ExchangeConfig,
    HttpConfig,
    LoggerConfig,
    MarketConfig,
    sections,
)

# -- symbols --------------------------------------------------------------------------------------
from tick_logger.errors import ConfigError


@pytest.mark.parametrize(
    ("setting", "symbol", "expected"),
    [
        ("all", "BTC-USD", True),
        (("BTC-USD",), "BTC-USD", True),
        (("BTC-USD",), "btc-usd", False),
        (("BTC-USD",), "BTC-USDT", False),
        (("BTC-*",), "BTC-USD", True),
        (("*USD",), "BTC-USD", True),
        (("BTC-???",), "BTC-USDT", False),
        (("BTC-????",), "BTC-USDT", True),
        (("[AB]TC",), "BTC", False),
        (("[AB]TC",), "[AB]TC", True),
        (("B.C",), "BTC", False),
        (("ETH*", "BTC*"), "BTC-USD", True),
        ((), "BTC-USD", False),
    ],
)
def test_matches(setting: str | tuple[str, ...], symbol: str, expected: bool) -> None:
    """Only * and ? are special, and case counts."""
    assert matches(setting, symbol) is expected


def test_for_symbol_takes_the_first_market_that_matches() -> None:
    """What a market leaves out is the exchange's; what no market matches is all the exchange's."""
    exchange = ExchangeConfig(
        ws_endpoint="ws://x",
        rest_endpoint="http://x",
        feeds=("ticker",),
        data_timeout_secs=60.0,
        markets=(
            MarketConfig(symbols=("XRP-*",), feeds=("trades",)),
            MarketConfig(symbols=("XRP-USD", "ADA-USD"), data_timeout_secs=600.0),
        ),
    )
    assert for_symbol(exchange, "XRP-USD") == MarketSettings(("trades",), 60.0)
    assert for_symbol(exchange, "ADA-USD") == MarketSettings(("ticker",), 600.0)
    assert for_symbol(exchange, "BTC-USD") == MarketSettings(("ticker",), 60.0)


def test_a_market_may_have_two_lines_alone() -> None:
    """Or one alone, where the exchange has two; room is counted for the most."""
    two = MarketConfig(symbols=("BTC-*",), redundancy=2)
    one = MarketConfig(symbols=("BTC-*",), redundancy=1)
    for exchange, of_btc, of_eth in (
        (ExchangeConfig(ws_endpoint="", rest_endpoint="", markets=(two,)), 2, 1),
        (ExchangeConfig(ws_endpoint="", rest_endpoint="", markets=(one,), redundancy=2), 1, 2),
    ):
        assert for_symbol(exchange, "BTC-USD").redundancy == of_btc
        assert for_symbol(exchange, "ETH-USD").redundancy == of_eth
        assert most_lines(exchange) == 2


# -- printing -------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)
FEEDS = st.lists(st.sampled_from(["ticker", "trades", "quotes"]), min_size=1, unique=True)
PATTERNS = st.lists(TEXTS, min_size=1, max_size=3, unique=True).map(tuple)
TIMEOUTS = st.floats(0.1, 86_400)
MARKETS = st.builds(
    MarketConfig,
    symbols=PATTERNS,
    feeds=FEEDS.map(tuple),
    data_timeout_secs=st.none() | TIMEOUTS,
    redundancy=st.none() | st.integers(1, 2),
)
EXCHANGES = st.builds(
    ExchangeConfig,
    enabled=st.just(True),
    ws_endpoint=st.just("ws://127.0.0.1:1"),
    rest_endpoint=st.just("http://127.0.0.1:1"),
    symbols=st.just("all") | PATTERNS,
    feeds=FEEDS.map(tuple),
    max_connections=st.integers(1, 1000),
    symbols_per_connection=st.sampled_from([0, 20]),
    feeds_per_connection=st.sampled_from(["together", "apart"]),
    connects_per_second=st.floats(0.001, 100),
    reconnect_initial_secs=st.floats(0.01, 60),
    reconnect_max_secs=st.floats(60, 3600),
    data_timeout_secs=TIMEOUTS,
    first_data_timeout_secs=TIMEOUTS,
    redundancy=st.integers(1, 2),
    backfill=st.booleans(),
    ca_file=st.just(""),
    markets=st.lists(MARKETS, max_size=2).map(tuple),
)
LOGGERS = st.builds(
    LoggerConfig,
    data_path=TEXTS,
    flush_interval_secs=st.floats(0.05, 60),
    persist_interval_secs=st.floats(2.0, 4.5),  # twice the longest linger
    checkpoint_interval_secs=st.just(30.0),
    journal_keep_hours=st.floats(0, 87_600),
    journal_keep_mib=st.integers(0, 2**30),
    linger_ms=st.integers(0, 1000),
    read_coalesce_ms=st.just(0),
    shutdown_timeout_secs=st.just(20.0),
    buffer_limit_mib=st.just(256),
    price_dtype=st.sampled_from(["f4+rest", "f4", "f8"]),
    log_level=st.just("info"),
)


@given(logger=LOGGERS, exchange=EXCHANGES, enabled=st.booleans())
def test_what_is_printed_loads_as_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    logger: LoggerConfig,
    exchange: ExchangeConfig,
    enabled: bool,
) -> None:
    """`check-config` prints a file that means the same."""
    config = Config(
        logger=logger, http=HttpConfig(enabled=enabled, port=0), exchanges={"beta": exchange}
    )
    file = tmp_path_factory.getbasetemp() / "printed.toml"
    file.write_text(render(config), encoding="utf-8")
    assert load(file, {}, VENUES) == config


def test_printed_text_of_a_market() -> None:
    """What the lines look like."""
    exchange = ExchangeConfig(
        ws_endpoint="ws://x",
        rest_endpoint="http://x",
        markets=(MarketConfig(symbols=('A"B', "C*"), feeds=("trades",)),),
    )
    text = render(Config(exchanges={"alpha": exchange}))
    assert text.startswith('[logger]\ndata_path = "./data"\nflush_interval_secs = 1.0\n')
    assert "\n\n[http]\nenabled = true\n" in text
    assert text.endswith(
        '\n\n[[exchanges.alpha.markets]]\nsymbols = ["A\\"B", "C*"]\nfeeds = ["trades"]\n'
    )


def test_secrets_are_not_printed(tmp_path: Path) -> None:
    """Neither a token nor a password in an address; what is printed instead is refused as one."""
    exchange = ExchangeConfig(ws_endpoint="wss://me:pass@x/ws", rest_endpoint="http://x")
    text = render(Config(http=HttpConfig(token="hunter2"), exchanges={"alpha": exchange}))
    assert "hunter2" not in text
    assert "pass" not in text
    assert '\ntoken = "********"\n' in text
    assert '\nws_endpoint = "wss://********@x/ws"\n' in text
    assert '\ntoken = ""\n' in render(Config())
    hook = "https://hooks.example/T0K3N"
    text = render(Config(alerts=AlertsConfig(webhook=hook)))
    assert '\nwebhook = "********"\n' in text
    assert "T0K3N" not in text + repr(AlertsConfig(webhook=hook))
    file = tmp_path / "printed.toml"
    for word in ("ftp://x/hunter2", "hunter2", "https://", "https://h:hunter2", "https:// hunter2"):
        file.write_text(f'[alerts]\nwebhook = "{word}"\n')
        with pytest.raises(ConfigError) as refused:
            load(file, {}, VENUES)
        ((path, reason),) = refused.value.problems
        assert path == "alerts.webhook"
        assert "hunter2" not in reason
        assert "http" in reason
    for token in ('"********"', '"\\u0007hunter2"', '["hunter2"]', "{hunter2 = 1}"):
        file.write_text(f"[http]\ntoken = {token}\n")
        with pytest.raises(ConfigError) as refused:
            load(file, {}, VENUES)
        ((path, reason),) = refused.value.problems
        assert path == "http.token"
        assert "hunter2" not in reason


@attrs.frozen(kw_only=True)
class Inner:
    """A section within a section."""

    bucket: str = "b"


@attrs.frozen(kw_only=True)
class Outer:
    """A section that is not in the configuration yet."""

    inner: Inner = Inner()
    mode: str = "off"


@attrs.frozen(kw_only=True)
class Larger(Config):
    """The configuration of some later version."""

    outer: Outer = Outer()


def test_a_new_section_is_printed_by_itself() -> None:
    """With those within it, each behind the keys of its own."""
    text = render(Larger())
    assert '\n\n[outer]\nmode = "off"\n\n[outer.inner]\nbucket = "b"\n' in text


def test_the_sections_that_there_is_one_of() -> None:
    """Where loading, environment and reloading take them from."""
    assert sections() == {
        "logger": LoggerConfig,
        "http": HttpConfig,
        "alerts": AlertsConfig,
        "archive": ArchiveConfig,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file_group = 'no-such-group'", 'there is no group "no-such-group" on this system'),
        ("file_mode = '0660'", 'must be "0600", "0640" or "0644" (nobody'),
        ("file_mode = 0o640", "must be a text, not the number 416"),
    ],
)
def test_groups_and_modes_of_files(file: Path, text: str, reason: str) -> None:
    """A group that there is, and a mode with which nobody else writes."""
    ((path, why),) = problems_of(file, f"[exchanges.alpha]\n{text}\n")
    assert path == f"exchanges.alpha.{text.split(' ')[0]}"
    assert why.startswith(reason)
