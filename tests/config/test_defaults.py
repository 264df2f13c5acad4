"""What holds without a file or a key, and files that cannot be read."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
import pytest

from tests.config.given import EXAMPLE, VENUES
from tick_logger.config.load import load
from tick_logger.config.schema import (
    ArchiveConfig,
    BucketConfig,
    ExchangeConfig,
    HttpConfig,
    LoggerConfig,
    MarketConfig,
    TokenConfig,
    VenueDefaults,
)
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry

# -- defaults -------------------------------------------------------------------------------------


def test_defaults_without_a_file() -> None:
    """All available exchanges, all symbols, ticker and trades, into ./data."""
    config = load(None, {}, VENUES)
    assert config.logger == LoggerConfig(
        data_path="./data",
        flush_interval_secs=1.0,
        persist_interval_secs=1.0,
        checkpoint_interval_secs=30.0,
        journal_keep_hours=24.0,
        journal_keep_mib=1024,
        linger_ms=200,
        read_coalesce_ms=20,
        shutdown_timeout_secs=20.0,
        buffer_limit_mib=256,
        price_dtype="f4+rest",
        log_level="info",
    )
    assert config.http == HttpConfig(enabled=True, host="127.0.0.1", port=9090)
    assert config.archive == ArchiveConfig(
        mode="off",
        local_path="./archive",
        server_name="",
        raw=True,
        tables=True,
        rotate_secs=3600,
        rotate_mib=500,
        seal_after_secs=3600.0,
        keep_days=0,
        layout="hive",
        key_file="",
        s3=BucketConfig(
            bucket="",
            prefix="",
            region="",
            endpoint="",
            attempts=5,
            retry_initial_secs=1.0,
            retry_max_secs=30.0,
            concurrency=4,
        ),
    )
    assert list(config.exchanges) == ["alpha", "beta"]
    assert config.exchanges["beta"] == ExchangeConfig(
        enabled=True,
        ws_endpoint="wss://b.test:9443",
        rest_endpoint="https://b.test",
        symbols="all",
        feeds=("ticker", "trades"),
        max_connections=10,
        symbols_per_connection=0,
        feeds_per_connection="together",
        connects_per_second=1.0,
        reconnect_initial_secs=1.0,
        reconnect_max_secs=60.0,
        data_timeout_secs=60.0,
        first_data_timeout_secs=120.0,
        redundancy=1,
        backfill=True,
        ca_file="",
        file_group="",
        file_mode="",
        markets=(),
    )


def test_default_feeds_are_those_that_the_exchange_has(file: Path) -> None:
    """A venue without tickers is not asked for them."""
    file.write_text("[exchanges.gamma]\n")
    venues = {"gamma": VenueDefaults("ws://g", "http://g", frozenset({"trades", "quotes"}))}
    assert load(file, {}, venues).exchanges["gamma"].feeds == ("trades",)


def test_example_file_says_the_defaults() -> None:
    """The annotated example holds every key with its documented default, and nothing else."""
    venues = {
        name: VenueDefaults(
            each.ws_endpoint,
            each.rest_endpoint,
            each.feeds,
            recorded_by_default=each.recorded_by_default,
        )
        for name in registry.available()
        for each in [registry.get(name)]
    }
    document = tomllib.loads(EXAMPLE.read_text())
    every_key = set(attrs.fields_dict(ExchangeConfig)) - {"markets"}
    assert load(EXAMPLE, {}, venues) == load(None, {}, venues)
    assert set(document["logger"]) == set(attrs.fields_dict(LoggerConfig))
    assert set(document["http"]) == set(attrs.fields_dict(HttpConfig)) - {"tokens"}
    assert set(document["archive"]) == set(attrs.fields_dict(ArchiveConfig))
    assert set(document["archive"]["s3"]) == set(attrs.fields_dict(BucketConfig))
    assert all(set(section) == every_key for section in document["exchanges"].values())


def test_each_key_of_the_example_is_explained() -> None:
    """A comment stands right above it, in the first section that has it."""
    explained = re.findall(r"(?m)^# .*\n(\w+) = ", EXAMPLE.read_text())
    keys = [*attrs.fields_dict(LoggerConfig), *set(attrs.fields_dict(HttpConfig)) - {"tokens"}]
    keys += [*set(attrs.fields_dict(ArchiveConfig)) - {"s3"}, *attrs.fields_dict(BucketConfig)]
    keys += [key for key in attrs.fields_dict(ExchangeConfig) if key != "markets"]
    assert set(keys) - set(explained) == set()
    assert explained.count("enabled") >= 2  # of [http], and of an exchange


def test_example_of_markets_works_when_uncommented(file: Path) -> None:
    """Taking the comment signs away from the markets table gives a correct file."""
    text = re.sub(
        r"(?m)^# (\[\[exchanges|symbols =|feeds =|data_timeout_secs =)", r"\1", EXAMPLE.read_text()
    )
    file.write_text(text)
    name = next(iter(tomllib.loads(text)["exchanges"]))
    exchange = registry.get(name)
    defaults = VenueDefaults(exchange.ws_endpoint, exchange.rest_endpoint, exchange.feeds)
    venues = dict.fromkeys(registry.available(), defaults)
    (market,) = load(file, {}, venues).exchanges[name].markets
    assert market == MarketConfig(symbols=("XRP*",), feeds=("trades",), data_timeout_secs=600.0)


def test_example_of_tokens_works_when_uncommented(file: Path) -> None:
    """All its keys but the token itself, beside which the file stands."""
    (part,) = re.findall(r"(?ms)^# \[\[http\.tokens\]\].*?(?=^$)", EXAMPLE.read_text())
    text = re.sub(r"(?m)^# (\[\[|\w+ = )", r"\1", part)
    (given,) = tomllib.loads(text)["http"]["tokens"]
    assert set(given) == set(attrs.fields_dict(TokenConfig)) - {"token"}
    (file.parent / "token").write_text("secret\n")
    file.write_text(text.replace(given["file"], str(file.parent / "token")))
    venues = dict.fromkeys(registry.available(), VENUES["alpha"])
    (token,) = load(file, {}, venues).http.tokens
    expected = TokenConfig(
        name="grafana",
        file=str(file.parent / "token"),
        exchanges=("binance", "okx"),
        metrics=True,
        page=False,
    )
    assert token == expected


def test_only_the_exchanges_that_a_file_names_are_recorded(file: Path) -> None:
    """Naming one exchange leaves the others out."""
    file.write_text("[exchanges.beta]\n")
    assert list(load(file, {}, VENUES).exchanges) == ["beta"]


@pytest.mark.parametrize("text", ["", "[logger]\nlinger_ms = 5\n", "[exchanges]\n"])
def test_a_file_that_names_no_exchange_records_all(file: Path, text: str) -> None:
    """As without a file."""
    file.write_text(text)
    assert list(load(file, {}, VENUES).exchanges) == ["alpha", "beta"]


def test_whole_numbers_stand_for_numbers_and_lists_become_tuples(file: Path) -> None:
    """`60` is as good as `60.0` where a number is asked for."""
    file.write_text('[exchanges.alpha]\ndata_timeout_secs = 30\nsymbols = ["A-*", "B?"]\n')
    exchange = load(file, {}, VENUES).exchanges["alpha"]
    assert exchange.symbols == ("A-*", "B?")
    assert repr(exchange.data_timeout_secs) == "30.0"


def test_a_byte_order_mark_is_no_error(file: Path) -> None:
    """Files of editors that begin with one load."""
    file.write_bytes(b"\xef\xbb\xbf[logger]\nlinger_ms = 5\n")
    assert load(file, {}, VENUES).logger.linger_ms == 5


# -- files that cannot be read --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[logger\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1"),
        (b"[logger]\ndata_path = '\xff'\n", "is not UTF-8 text"),
        (b"[logger]\nlinger_ms = " + b"9" * 5000, "is not TOML: Exceeds the limit"),
        (b"a = " + b"[" * 5000, "is not TOML: "),
    ],
)
def test_a_file_that_is_not_toml(file: Path, content: bytes, reason: str) -> None:
    """Its path and where it goes wrong."""
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(file, {}, VENUES)
    ((path, why),) = caught.value.problems
    assert path == str(file)
    assert why.startswith(reason)


def test_a_missing_file_and_a_directory(tmp_path: Path) -> None:
    """The system's reason in its own words."""
    for path, reason in ((tmp_path / "no", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(ConfigError, match=f"cannot be read: {reason}"):
            load(path, {}, VENUES)
