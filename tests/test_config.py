"""The configuration: defaults, every rule with its path and reason, the environment, printing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.config import (
    Config,
    ExchangeConfig,
    HttpConfig,
    LoggerConfig,
    MarketConfig,
    MarketSettings,
    VenueDefaults,
    for_symbol,
    matches,
    render,
)
from tick_logger.config_load import load
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry

VENUES = {
    "alpha": VenueDefaults("wss://a.test", "https://a.test", frozenset({"ticker", "trades"})),
    "beta": VenueDefaults(
        "wss://b.test:9443", "https://b.test", frozenset({"ticker", "trades", "quotes"})
    ),
}
EXAMPLE = Path(__file__).parent.parent / "config" / "tick_logger.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def problems_of(
    file: Path, text: str, environ: dict[str, str] | None = None
) -> list[tuple[str, str]]:
    """Everything that is wrong with a file of this text."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {}, VENUES)
    return caught.value.problems


# -- defaults -------------------------------------------------------------------------------------


def test_defaults_without_a_file() -> None:
    """All available exchanges, all symbols, ticker and trades, into ./data."""
    config = load(None, {}, VENUES)
    assert config.logger == LoggerConfig(
        data_path="./data",
        flush_interval_secs=1.0,
        persist_interval_secs=1.0,
        checkpoint_interval_secs=30.0,
        linger_ms=20,
        read_coalesce_ms=0,
        shutdown_timeout_secs=20.0,
        buffer_limit_mib=256,
        price_dtype="f4",
        log_level="info",
    )
    assert config.http == HttpConfig(enabled=True, host="127.0.0.1", port=9090)
    assert list(config.exchanges) == ["alpha", "beta"]
    assert config.exchanges["beta"] == ExchangeConfig(
        enabled=True,
        ws_endpoint="wss://b.test:9443",
        rest_endpoint="https://b.test",
        symbols="all",
        feeds=("ticker", "trades"),
        max_connections=10,
        symbols_per_connection=20,
        connects_per_second=1.0,
        reconnect_initial_secs=1.0,
        reconnect_max_secs=60.0,
        data_timeout_secs=60.0,
        first_data_timeout_secs=120.0,
        ca_file="",
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
        name: VenueDefaults(each.ws_endpoint, each.rest_endpoint, each.feeds)
        for name in registry.available()
        for each in [registry.get(name)]
    }
    document = tomllib.loads(EXAMPLE.read_text())
    every_key = set(attrs.fields_dict(ExchangeConfig)) - {"markets"}
    assert load(EXAMPLE, {}, venues) == load(None, {}, venues)
    assert set(document["logger"]) == set(attrs.fields_dict(LoggerConfig))
    assert set(document["http"]) == set(attrs.fields_dict(HttpConfig))
    assert all(set(section) == every_key for section in document["exchanges"].values())


def test_example_of_markets_works_when_uncommented(file: Path) -> None:
    """Taking the comment signs away from the markets table gives a correct file."""
    text = re.sub(
        r"(?m)^# (\[\[|symbols =|feeds =|data_timeout_secs =)", r"\1", EXAMPLE.read_text()
    )
    file.write_text(text)
    name = next(iter(tomllib.loads(text)["exchanges"]))
    exchange = registry.get(name)
    defaults = VenueDefaults(exchange.ws_endpoint, exchange.rest_endpoint, exchange.feeds)
    venues = dict.fromkeys(registry.available(), defaults)
    (market,) = load(file, {}, venues).exchanges[name].markets
    assert market == MarketConfig(symbols=("XRP*",), feeds=("trades",), data_timeout_secs=600.0)


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
    ("linger_ms = 1001", "linger_ms", "must be between 0 and 1000 ms"),
    ("linger_ms = -1", "linger_ms", "must be between 0 and 1000 ms"),
    ("linger_ms = 1.5", "linger_ms", "must be a whole number, not the number 1.5"),
    ("linger_ms = 2020-01-01", "linger_ms", "must be a whole number, not a date"),
    ("read_coalesce_ms = 1001", "read_coalesce_ms", "must be between 0 and 1000 ms"),
    ("shutdown_timeout_secs = inf", "shutdown_timeout_secs", "must be between 0.1 and 600"),
    ("shutdown_timeout_secs = nan", "shutdown_timeout_secs", "must be between 0.1 and 600"),
    ("buffer_limit_mib = 0", "buffer_limit_mib", "must be between 1 and 65536 MiB"),
    ('price_dtype = "f16"', "price_dtype", 'must be one of f4, f8, not "f16"'),
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
    ("symbols_per_connection = 0", "symbols_per_connection", "must be between 1 and 1000"),
    ("symbols_per_connection = 1001", "symbols_per_connection", "must be between 1 and 1000"),
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
        ("[zz]", "zz", "unknown section; there are logger, http, exchanges"),
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


# -- the environment ------------------------------------------------------------------------------

ALPHA = "TICK_LOGGER__EXCHANGES__ALPHA__"


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("TICK_LOGGER__LOGGER__DATA_PATH", "/srv/x", "logger.data_path", "/srv/x"),
        ("TICK_LOGGER__LOGGER__LINGER_MS", "5", "logger.linger_ms", 5),
        ("TICK_LOGGER__LOGGER__FLUSH_INTERVAL_SECS", "2", "logger.flush_interval_secs", 2.0),
        ("TICK_LOGGER__HTTP__ENABLED", "false", "http.enabled", False),
        ("TICK_LOGGER__HTTP__ENABLED", "0", "http.enabled", False),
        (ALPHA + "MAX_CONNECTIONS", "3", "exchanges.alpha.max_connections", 3),
        (ALPHA + "SYMBOLS", "all", "exchanges.alpha.symbols", "all"),
        (ALPHA + "SYMBOLS", "A-*, B", "exchanges.alpha.symbols", ("A-*", "B")),
        (ALPHA + "SYMBOLS", '["A,B"]', "exchanges.alpha.symbols", ("A,B",)),
        (ALPHA + "FEEDS", "trades", "exchanges.alpha.feeds", ("trades",)),
        (
            ALPHA + "MARKETS",
            '[{"symbols": ["A"], "data_timeout_secs": 9}]',
            "exchanges.alpha.markets",
            (MarketConfig(symbols=("A",), data_timeout_secs=9.0),),
        ),
    ],
)
def test_environment_overrides_the_file(
    file: Path, variable: str, text: str, path: str, value: object
) -> None:
    """Each kind of key takes its value from a variable."""
    file.write_text(
        "[logger]\ndata_path = 'x'\nlinger_ms = 1\n"
        "[exchanges.alpha]\nsymbols = ['C']\nmax_connections = 1\n"
    )
    config = load(file, {variable: text, "TICK_LOGGER_OTHER": "x"}, VENUES)
    section, key = path.rsplit(".", 1)
    holder = config.exchanges["alpha"] if "alpha" in section else getattr(config, section)
    assert getattr(holder, key) == value


@pytest.mark.parametrize(
    ("variable", "text", "path", "reason"),
    [
        (
            ALPHA + "MAX_CONNECTIONS",
            "1.5",
            "exchanges.alpha.max_connections",
            'must be a whole number, not the text "1.5"',
        ),
        ("TICK_LOGGER__LOGGER__LINGER_MS", "2000", "logger.linger_ms", "must be between 0 and"),
        ("TICK_LOGGER__HTTP__ENABLED", "maybe", "http.enabled", "must be true or false, not the"),
        (ALPHA + "FEEDS", "trades,tickr", "exchanges.alpha.feeds[1]", 'unknown feed "tickr"'),
        (ALPHA + "MARKETS", "[{", "exchanges.alpha.markets", 'must be a list, not the text "[{"'),
        (
            ALPHA + "MARKETS",
            '[{"symbols": ["A"], "zz": 1}]',
            "exchanges.alpha.markets[0].zz",
            "unknown key",
        ),
    ],
)
def test_wrong_values_in_the_environment(
    file: Path, variable: str, text: str, path: str, reason: str
) -> None:
    """The same rules hold, and the reason names the variable."""
    ((found, why),) = problems_of(file, "[exchanges.alpha]", {variable: text})
    assert found == path
    assert why.startswith(reason)
    assert why.endswith(f" (set by {variable})")


@pytest.mark.parametrize(
    ("variable", "reason"),
    [
        (
            "TICK_LOGGER__LOGER__DATA_PATH",
            'unknown variable; did you mean "TICK_LOGGER__LOGGER__DATA_PATH"?',
        ),
        ("TICK_LOGGER__EXCHANGES__GAMMA", "unknown variable"),
        ("TICK_LOGGER__logger__data_path", "unknown variable"),
    ],
)
def test_unknown_variables_are_errors(file: Path, variable: str, reason: str) -> None:
    """A misspelt variable must not be ignored in silence."""
    assert problems_of(file, "", {variable: "1"}) == [(variable, reason)]


def test_a_variable_for_an_exchange_counts_as_naming_it(file: Path) -> None:
    """As if the line stood in the file."""
    file.write_text("[exchanges.alpha]\n")
    config = load(file, {"TICK_LOGGER__EXCHANGES__BETA__MAX_CONNECTIONS": "2"}, VENUES)
    assert list(config.exchanges) == ["alpha", "beta"]
    assert config.exchanges["beta"].max_connections == 2


def test_the_command_line_beats_file_and_environment(file: Path) -> None:
    """`--data-path` wins, and obeys the same rule."""
    file.write_text("[logger]\ndata_path = 'a'\n")
    environ = {"TICK_LOGGER__LOGGER__DATA_PATH": "b"}
    assert load(file, environ, VENUES, "c").logger.data_path == "c"
    with pytest.raises(ConfigError, match=r"logger\.data_path: must not be empty .*--data-path"):
        load(file, environ, VENUES, "")


# -- symbols --------------------------------------------------------------------------------------


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


# -- printing -------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)
FEEDS = st.lists(st.sampled_from(["ticker", "trades", "quotes"]), min_size=1, unique=True)
PATTERNS = st.lists(TEXTS, min_size=1, max_size=3, unique=True).map(tuple)
TIMEOUTS = st.floats(0.1, 86_400)
MARKETS = st.builds(
    MarketConfig, symbols=PATTERNS, feeds=FEEDS.map(tuple), data_timeout_secs=st.none() | TIMEOUTS
)
EXCHANGES = st.builds(
    ExchangeConfig,
    enabled=st.just(True),
    ws_endpoint=st.just("ws://127.0.0.1:1"),
    rest_endpoint=st.just("http://127.0.0.1:1"),
    symbols=st.just("all") | PATTERNS,
    feeds=FEEDS.map(tuple),
    max_connections=st.integers(1, 1000),
    symbols_per_connection=st.just(20),
    connects_per_second=st.floats(0.001, 100),
    reconnect_initial_secs=st.floats(0.01, 60),
    reconnect_max_secs=st.floats(60, 3600),
    data_timeout_secs=TIMEOUTS,
    first_data_timeout_secs=TIMEOUTS,
    ca_file=st.just(""),
    markets=st.lists(MARKETS, max_size=2).map(tuple),
)
LOGGERS = st.builds(
    LoggerConfig,
    data_path=TEXTS,
    flush_interval_secs=st.floats(0.05, 60),
    persist_interval_secs=st.just(1.0),
    checkpoint_interval_secs=st.just(30.0),
    linger_ms=st.integers(0, 1000),
    read_coalesce_ms=st.just(0),
    shutdown_timeout_secs=st.just(20.0),
    buffer_limit_mib=st.just(256),
    price_dtype=st.sampled_from(["f4", "f8"]),
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
