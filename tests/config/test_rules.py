"""Every rule, with its path and its reason."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.errors import ConfigError

# -- every rule, with path and reason -------------------------------------------------------------

LOGGER = [
    ('data_path = ""', "data_path", "must not be empty"),
    (r'data_path = "a\u0000"', "data_path", "contains a control character or broken encoding: "),
    ("data_path = 3", "data_path", "must be a text, not the number 3"),
    ("flush_interval_secs = 0.04", "flush_interval_secs", "must be between 0.05 and 60 seconds"),
    ("flush_interval_secs = 61", "flush_interval_secs", "must be between 0.05 and 60 seconds"),
    ('flush_interval_secs = "1.5"', "flush_interval_secs", 'must be a number, not the text "1.5"'),
    ("flush_interval_secs = true", "flush_interval_secs", "must be a number, not true"),
    ("persist_interval_secs = 4.6", "persist_interval_secs", "must be between 0.05 and 4.5"),
    ("checkpoint_interval_secs = 0.9", "checkpoint_interval_secs", "must be between 1 and 3600"),
    ("journal_keep_hours = -1", "journal_keep_hours", "must be between 0 and 87600 hours"),
    ("journal_keep_hours = inf", "journal_keep_hours", "must be between 0 and 87600 hours"),
    ("journal_keep_mib = -1", "journal_keep_mib", "must be between 0 and 1073741824 MiB"),
    ("journal_keep_mib = 0.5", "journal_keep_mib", "must be a whole number, not the number 0.5"),
    ("linger_ms = 501", "persist_interval_secs", "1 s cannot be kept: linger_ms and read_coal"),
    ("read_coalesce_ms = 481", "persist_interval_secs", "1 s cannot be kept: linger_ms and read"),
    ("persist_interval_secs = 0.05\nlinger_ms = 26", "persist_interval_secs", "0.05 s cannot be"),
    ("linger_ms = 1001", "linger_ms", "must be between 0 and 1000 ms"),
    ("linger_ms = -1", "linger_ms", "must be between 0 and 1000 ms"),
    ("linger_ms = 1.5", "linger_ms", "must be a whole number, not the number 1.5"),
    ("linger_ms = 2020-01-01", "linger_ms", "must be a whole number, not a date"),
    ("read_coalesce_ms = 1001", "read_coalesce_ms", "must be between 0 and 1000 ms"),
    ("shutdown_timeout_secs = inf", "shutdown_timeout_secs", "must be between 0.1 and 600"),
    ("shutdown_timeout_secs = nan", "shutdown_timeout_secs", "must be between 0.1 and 600"),
    ("buffer_limit_mib = 0", "buffer_limit_mib", "must be between 1 and 65536 MiB"),
    ('price_dtype = "f16"', "price_dtype", 'must be one of f4+rest, f4, f8, not "f16"'),
    ('log_level = "infos"', "log_level", 'must be one of debug, info, warning, error, not "infos"'),
    ("data_pth = 1", "data_pth", 'unknown key; did you mean "data_path"?'),
    ("zzzz = 1", "zzzz", "unknown key; known here: data_path, flush_interval_secs"),
]
HTTP = [
    ("enabled = 1", "enabled", "must be true or false, not the number 1"),
    ('host = " "', "host", "must not be empty"),
    ("port = -1", "port", "must be between 0 and 65535"),
    ("port = 65536", "port", "must be between 0 and 65535"),
    ("port = []", "port", "must be a whole number, not a list"),
]
EXCHANGE = [
    ('ws_endpoint = "http://x"', "ws_endpoint", "must begin with ws:// or wss://"),
    ('ws_endpoint = "ws://"', "ws_endpoint", 'names no host: "ws://"'),
    ('ws_endpoint = "ws://a b"', "ws_endpoint", 'names no host: "ws://a b"'),
    ('ws_endpoint = "ws://a:99999"', "ws_endpoint", "is not an address: Port out of range"),
    ('ws_endpoint = "ws://a:0"', "ws_endpoint", "port 0 cannot be connected to"),
    ('rest_endpoint = "wss://x"', "rest_endpoint", "must begin with http:// or https://"),
    ('symbols = "BTC"', "symbols", 'must be "all" or a list of patterns, not the text "BTC"'),
    ("symbols = []", "symbols", "names nothing"),
    ('symbols = ["A", "B", "A"]', "symbols", 'names "A" more than once'),
    ('symbols = ["A", ""]', "symbols[1]", "must not be empty"),
    ("feeds = []", "feeds", "names nothing"),
    ('feeds = "ticker"', "feeds", 'must be a list, not the text "ticker"'),
    ('feeds = ["trades", "tickr"]', "feeds[1]", 'unknown feed "tickr"; did you mean "ticker"?'),
    ('feeds = ["xyz"]', "feeds[0]", 'unknown feed "xyz"; known: ticker, trades, quotes, order'),
    ('feeds = ["quotes"]', "feeds[0]", 'this exchange has no feed "quotes"; it has: ticker, trad'),
    ('feeds = ["ticker", "ticker"]', "feeds", 'names "ticker" more than once'),
    ("feeds = [3]", "feeds[0]", "must be a text, not the number 3"),
    ("max_connections = 0", "max_connections", "must be between 1 and 1000"),
    ("max_connections = 1001", "max_connections", "must be between 1 and 1000"),
    ("redundancy = 0", "redundancy", "must be between 1 and 2"),
    ("redundancy = 3", "redundancy", "must be between 1 and 2"),
    ("symbols_per_connection = -1", "symbols_per_connection", "must be between 0 and 1000"),
    ("symbols_per_connection = 1001", "symbols_per_connection", "must be between 0 and 1000"),
    ("feeds_per_connection = 'alone'", "feeds_per_connection", "must be one of together, apart"),
    ("connects_per_second = 0", "connects_per_second", "must be between 0.001 and 100 per second"),
    ("reconnect_initial_secs = 0", "reconnect_initial_secs", "must be between 0.01 and 3600"),
    ("reconnect_initial_secs = 61", "reconnect_initial_secs", "61 is more than reconnect_max_secs"),
    ("reconnect_max_secs = 0.5", "reconnect_initial_secs", "1.0 is more than reconnect_max_secs"),
    ("reconnect_max_secs = 3601", "reconnect_max_secs", "must be between 0.01 and 3600"),
    ("data_timeout_secs = 0", "data_timeout_secs", "must be between 0.1 and 86400"),
    ("first_data_timeout_secs = 1e9", "first_data_timeout_secs", "must be between 0.1 and 86400"),
    ('ca_file = "/no/such.pem"', "ca_file", 'there is no file "/no/such.pem"'),
    ("markets = 3", "markets", "must be a list, not the number 3"),
    ("markets = [3]", "markets[0]", "must be a table, not the number 3"),
    ("markets = [{feeds = ['trades']}]", "markets[0].symbols", "is missing"),
    ("markets = [{symbols = ['A']}]", "markets[0]", "changes nothing"),
    (
        "markets = [{symbols = 'all', data_timeout_secs = 9}]",
        "markets[0].symbols",
        'must be a list, not the text "all"',
    ),
    (
        "markets = [{symbols = ['A'], data_timeout_secs = 0}]",
        "markets[0].data_timeout_secs",
        "must be between 0.1 and 86400",
    ),
    (
        "markets = [{symbols = ['A'], feeds = ['trades', 'quotes']}]",
        "markets[0].feeds[1]",
        'this exchange has no feed "quotes"',
    ),
    (
        "markets = [{symbols = ['A'], feed = ['trades']}]",
        "markets[0].feed",
        'unknown key; did you mean "feeds"?',
    ),
    ("enabled = false", "", "every exchange is disabled: there is nothing to record"),
]
RULES = [
    *(("logger", *rule) for rule in LOGGER),
    *(("http", *rule) for rule in HTTP),
    *(("exchanges.alpha", *rule) for rule in EXCHANGE),
]


@pytest.mark.parametrize(("section", "line", "key", "reason"), RULES)
def test_rule(file: Path, section: str, line: str, key: str, reason: str) -> None:
    """One wrong line gives one problem, with the path of its key and the reason in words."""
    ((path, why),) = problems_of(file, f"[{section}]\n{line}\n")
    assert path == (f"{section}.{key}" if key else "exchanges")
    assert why.startswith(reason)


@pytest.mark.parametrize(
    ("text", "path", "reason"),
    [
        ("lgger = 1", "lgger", 'unknown section; did you mean "logger"?'),
        ("[zz]", "zz", "unknown section; there are logger, http, alerts, archive, exchanges"),
        ("logger = 3", "logger", "must be a table, not the number 3"),
        ("http = []", "http", "must be a table, not a list"),
        ("exchanges = []", "exchanges", "must be a table, not a list"),
        ("[exchanges]\nalpha = 3", "exchanges.alpha", "must be a table, not the number 3"),
        ("[exchanges.alhpa]", "exchanges.alhpa", "unknown exchange; available: alpha, beta; did"),
    ],
)
def test_wrong_sections(file: Path, text: str, path: str, reason: str) -> None:
    """A section that does not exist, or is no table."""
    ((found, why),) = problems_of(file, text)
    assert found == path
    assert why.startswith(reason)


def test_all_problems_are_reported_together(file: Path) -> None:
    """One error hides no other: wrong types, ranges, unknown names and conflicts in one go."""
    found = problems_of(
        file,
        """
        nope = 1
        [logger]
        linger_ms = "x"
        flush_interval_secs = 0
        dat_path = "x"
        [http]
        port = true
        [exchanges.gamma]
        [exchanges.alpha]
        feeds = ["tickr", "quotes", 3, "trades", "trades"]
        reconnect_initial_secs = 90
        max_connections = "3"
        [[exchanges.alpha.markets]]
        symbols = [1]
        """,
        {"TICK_LOGGER__HTTP__HOST": "", "TICK_LOGGER__NONSENSE": "1"},
    )
    assert sorted(path for path, _ in found) == [
        "TICK_LOGGER__NONSENSE",
        "exchanges.alpha.feeds",
        "exchanges.alpha.feeds[0]",
        "exchanges.alpha.feeds[1]",
        "exchanges.alpha.feeds[2]",
        "exchanges.alpha.markets[0]",
        "exchanges.alpha.markets[0].symbols[0]",
        "exchanges.alpha.max_connections",
        "exchanges.alpha.reconnect_initial_secs",
        "exchanges.gamma",
        "http.host",
        "http.port",
        "logger.dat_path",
        "logger.flush_interval_secs",
        "logger.linger_ms",
        "nope",
    ]


@pytest.mark.parametrize(
    ("persist_secs", "linger_ms", "read_coalesce_ms"),
    [(1.0, 500, 0), (1.0, 0, 500), (0.05, 20, 5), (4.5, 1000, 1000)],
)
def test_half_of_the_persist_interval_may_be_waited(
    file: Path, persist_secs: float, linger_ms: int, read_coalesce_ms: int
) -> None:
    """By linger and coalescing together: the other half is for the disk."""
    file.write_text(
        f"[logger]\npersist_interval_secs = {persist_secs}\nlinger_ms = {linger_ms}\n"
        f"read_coalesce_ms = {read_coalesce_ms}\n"
    )
    assert load(file, {}, VENUES).logger.persist_interval_secs == persist_secs


@pytest.mark.parametrize(
    ("text", "linger_ms", "read_coalesce_ms"),
    [
        ("", 200, 20),
        ("linger_ms = 490", 490, 10),
        ("linger_ms = 500", 500, 0),
        ("persist_interval_secs = 0.05", 12, 13),
        ("persist_interval_secs = 0.05\nlinger_ms = 20", 20, 5),
    ],
)
def test_by_default_both_fit_into_half_of_the_persist_interval(
    file: Path, text: str, linger_ms: int, read_coalesce_ms: int
) -> None:
    """Whatever is set of the others: what was accepted before there was a default is now."""
    file.write_text(f"[logger]\n{text}\n")
    logger = load(file, {}, VENUES).logger
    assert (logger.linger_ms, logger.read_coalesce_ms) == (linger_ms, read_coalesce_ms)


def test_an_existing_ca_file_is_accepted(file: Path, tmp_path: Path) -> None:
    """The file is looked for, not read."""
    trusted = tmp_path / "ca.pem"
    trusted.write_text("anything")
    file.write_text(f"[exchanges.alpha]\nca_file = '{trusted}'\n")
    assert load(file, {}, VENUES).exchanges["alpha"].ca_file == str(trusted)


def test_one_disabled_exchange_is_no_error(file: Path) -> None:
    """As long as another is left."""
    file.write_text("[exchanges.alpha]\nenabled = false\n[exchanges.beta]\n")
    config = load(file, {}, VENUES)
    assert [each.enabled for each in config.exchanges.values()] == [False, True]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ""),
        ("symbols_per_connection = 0", ""),
        ("symbols_per_connection = 50", ""),
        ("symbols_per_connection = 51", "51 symbols with 2 feeds are 102 subscriptions"),
        ("symbols_per_connection = 51\nfeeds = ['trades']", ""),
        ("symbols_per_connection = 51\nfeeds_per_connection = 'apart'", ""),
        (
            "symbols_per_connection = 51\nfeeds = ['trades', 'ticker']",
            "51 symbols with 2 feeds are 102 subscriptions",
        ),
    ],
)
def test_no_more_on_a_connection_than_the_exchange_takes(
    file: Path, text: str, complaint: str
) -> None:
    """Counted with the feeds that are recorded, be they named or not."""
    file.write_text(f"[exchanges.alpha]\n{text}\n")
    limited = attrs.evolve(VENUES["alpha"], subscriptions_per_connection=100)
    if not complaint:
        load(file, {}, {"alpha": limited})
        return
    with pytest.raises(ConfigError) as caught:
        load(file, {}, {"alpha": limited})
    ((path, why),) = caught.value.problems
    assert path == "exchanges.alpha.symbols_per_connection"
    assert why == f"{complaint}; the exchange takes 100 on a connection"
