"""Variables override the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.given import VENUES, problems_of
from tick_logger.config.load import load
from tick_logger.config.schema import (
    MarketConfig,
)
from tick_logger.errors import ConfigError

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


@pytest.mark.parametrize(
    ("variable", "text", "long", "value"),
    [
        ("LOG_RETENTION_DAYS", "1", "LOGGER__LOG_RETENTION_DAYS", 1),
        ("METRICS_PORT", "9191", "HTTP__PORT", 9191),
        ("HOME_SERVER_NAME", "tokyo-1", "ARCHIVE__SERVER_NAME", "tokyo-1"),
        ("BUCKET_NAME", "my-ticks", "ARCHIVE__S3__BUCKET", "my-ticks"),
        ("ARCHIVE_INTERVAL_SECS", "60", "ARCHIVE__ROTATE_SECS", 60),
        ("ARCHIVE_INTERVAL", "86400", "ARCHIVE__ROTATE_SECS", 86_400),
    ],
)
def test_short_names(file: Path, variable: str, text: str, long: str, value: object) -> None:
    """Each stands for a key; it beats the file, and is beaten by the key's long name."""
    *sections, key = long.lower().split("__")
    number = type(value) is int
    kept = "2000" if number else '"of-file"'
    file.write_text(f"[{'.'.join(sections)}]\n{key} = {kept}\n")

    def held(environ: dict[str, str]) -> object:
        found: object = load(file, environ, VENUES)
        for name in (*sections, key):
            found = getattr(found, name)
        return found

    other = "3000" if number else "of-long"
    assert held({}) == (2000 if number else "of-file")
    assert held({variable: text}) == value
    assert held({variable: text, f"TICK_LOGGER__{long}": other}) == (
        int(other) if number else other
    )
    assert held({variable: ""}) == held({})


@pytest.mark.parametrize(
    ("variable", "text", "path", "reason"),
    [
        ("LOG_RETENTION_DAYS", "0", "logger.log_retention_days", "must be between 1 and 3650"),
        ("METRICS_PORT", "http", "http.port", 'must be a whole number, not the text "http"'),
        ("METRICS_PORT", "65536", "http.port", "must be between 0 and 65535 (TCP), not 65536"),
        ("HOME_SERVER_NAME", "a/b", "archive.server_name", "must be 1 to 64 letters"),
        ("BUCKET_NAME", "My_Bucket", "archive.s3.bucket", '"My_Bucket" is no name of a bucket'),
        ("ARCHIVE_INTERVAL_SECS", "59", "archive.rotate_secs", "must be between 60 and 86400"),
        ("ARCHIVE_INTERVAL", "86401", "archive.rotate_secs", "must be between 60 and 86400"),
    ],
)
def test_wrong_values_of_short_names(
    file: Path, variable: str, text: str, path: str, reason: str
) -> None:
    """By the rules of their keys, and named."""
    ((found, why),) = problems_of(file, "[exchanges.alpha]", {variable: text})
    assert found == path
    assert why.startswith(reason)
    assert why.endswith(f" (set by {variable})")


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
