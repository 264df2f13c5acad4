"""Symbols and feeds on the command line, and what exchanges list now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tick_logger.cli.arguments import load_config
from tick_logger.cli.choosing import chosen
from tick_logger.cli.main import main
from tick_logger.config.schema import Config
from tick_logger.errors import ConfigError
from tick_logger.exchanges import registry

ROOT = Path(__file__).parents[2]
FIRST, SECOND, *_ = registry.available()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty working directory, and no variables of whoever runs the tests."""
    for variable in os.environ:
        if variable.startswith("TICK_LOGGER__"):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


def configured(config: Path | None = None, **options: list[str]) -> Config:
    """What would be recorded."""
    choice = chosen(config, options.get("symbols"), options.get("feeds"))
    return load_config(config, None, choice)


def test_symbols_are_given_by_exchange() -> None:
    """With commas or one by one; no other exchange is recorded."""
    found = configured(symbols=[f"{SECOND}:A-*,{FIRST}:B/C", f"{SECOND}:D"]).exchanges
    assert {name: each.symbols for name, each in found.items()} == {
        FIRST: ("B/C",),
        SECOND: ("A-*", "D"),
    }
    assert found[FIRST].ws_endpoint == registry.get(FIRST).ws_endpoint


def test_feeds_are_those_of_all_exchanges() -> None:
    """By any word for them; the default exchanges stay."""
    found = configured(feeds=["trade,book"]).exchanges
    by_default = {n for n in registry.available() if registry.get(n).recorded_by_default}
    assert set(found) == by_default
    assert {each.feeds for each in found.values()} == {("trades", "orderbook")}
    assert {each.symbols for each in found.values()} == {"all"}


def test_they_beat_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All else that these say of the exchange holds."""
    file = tmp_path / "c.toml"
    file.write_text(
        f'[exchanges.{FIRST}]\nsymbols = ["X"]\nmax_connections = 3\n[exchanges.{SECOND}]\n'
    )
    monkeypatch.setenv(f"TICK_LOGGER__EXCHANGES__{FIRST.upper()}__FEEDS", '["ticker"]')
    monkeypatch.setenv(f"TICK_LOGGER__EXCHANGES__{SECOND.upper()}__MAX_CONNECTIONS", "7")
    found = configured(file, symbols=[f"{FIRST}:Y"], feeds=["trades"]).exchanges
    assert set(found) == {FIRST}
    assert (found[FIRST].symbols, found[FIRST].feeds) == (("Y",), ("trades",))
    assert found[FIRST].max_connections == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--symbols", f"{FIRST}x:BTC"], f"--symbols: no exchange named {FIRST}x; available: "),
        (["--symbols", f"{FIRST}:"], f'--symbols: "{FIRST}:" names no symbol'),
        (["--symbols", ","], "--symbols: must name some symbols"),
        (["--feeds", ""], "--feeds: must name some feeds"),
        (["--feeds", "trdes"], "(set by --feeds)"),
    ],
)
def test_mistakes_are_told_before_anything_is_touched(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """With the word `record` or without it."""
    for command in ([], ["record"]):
        assert main([*command, *options]) == 2
        output = capsys.readouterr()
        assert output.err.startswith("tick_logger did not start:\n  ")
        assert said in output.err
    assert list(tmp_path.iterdir()) == []


def test_help_of_record_shows_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own, and not those of other commands."""
    assert main(["record", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(option in text for option in ("--symbols", "--feeds", "--config", "--data-path"))
    assert "--duration" not in text


@pytest.fixture(scope="module")
def simulated() -> Iterator[str]:
    """The REST address of a simulated exchange, in a process of its own."""
    command = [sys.executable, "-m", "tick_logger", "simulate", FIRST]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split(" and ")[1].split(",")[0]
        process.terminate()


@pytest.fixture
def file(simulated: str, tmp_path: Path) -> Path:
    """One exchange that can be asked, and one that cannot."""
    file = tmp_path / "c.toml"
    file.write_text(
        f'[exchanges.{FIRST}]\nrest_endpoint = "{simulated}"\n'
        f'[exchanges.{SECOND}]\nrest_endpoint = "http://127.0.0.1:1"\n'
    )
    return file


def test_exchanges_are_asked_now(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing need be recorded; which could not be asked is said, and why."""
    assert main(["symbols", "--related", "BTC", "--online", "--config", str(file), "--json"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)["instruments"]
    assert found
    assert {(each["exchange"], each["base"]) for each in found} == {(FIRST, "BTC")}
    assert said.err.startswith(f"tick_logger: {SECOND} could not be asked: ")
    assert "refused" in said.err
    assert main(["symbols", found[0]["name"], "--online", "--config", str(file)]) == 0
    assert found[0]["symbol"] in capsys.readouterr().out


def test_a_normal_name_is_recorded_wherever_it_is_listed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the exchanges say now; one that is listed nowhere is refused."""
    main(["symbols", "--related", "BTC", "--online", "--config", str(file), "--json"])
    first = json.loads(capsys.readouterr().out)["instruments"][0]
    found = configured(file, symbols=[first["name"]]).exchanges
    assert list(found) == [FIRST]
    assert first["symbol"] in found[FIRST].symbols
    assert f"{SECOND} could not be asked for {first['name']}: " in capsys.readouterr().err
    with pytest.raises(ConfigError, match="listed on no exchange that could be asked"):
        configured(file, symbols=["NO-SUCH"])


def test_names_are_those_of_the_configured_rules(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Which symbols they stand for is said."""
    main(["symbols", "--related", "BTC", "--online", "--config", str(file), "--json"])
    symbol = json.loads(capsys.readouterr().out)["instruments"][0]["symbol"]
    rules = file.with_name("pairs.yaml")
    rules.write_text(
        f"symbol_mappings: [{{normalized: GOLD-MINE, exchanges: {{{FIRST}: {symbol}}}}}]"
    )
    file.write_text(f'[logger]\nsymbol_mappings = "{rules}"\n' + file.read_text())
    assert configured(file, symbols=["GOLD-MINE"]).exchanges[FIRST].symbols == (symbol,)
    said = capsys.readouterr().err.splitlines()
    assert said[-1] == f"tick_logger: GOLD-MINE is {FIRST}:{symbol}"


def test_offline_nothing_can_be_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But for why."""
    file = tmp_path / "c.toml"
    file.write_text(f'[exchanges.{FIRST}]\nrest_endpoint = "http://127.0.0.1:1"\n')
    assert main(["symbols", "BTC-USD", "--online", "--config", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == "tick_logger: no exchange could be asked"
