"""The command `symbols`: from the files beside the data to an answer."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest

from tests.verify.listed import mapped, saved
from tick_logger.cli.main import main
from tick_logger.model.symbol_rules import AssetClass, QuoteType
from tick_logger.model.symbols import MappedInstrument
from tick_logger.storage.disk_files import DiskFiles
from tick_logger.storage.instruments_file import encode

USDT = QuoteType.STABLECOIN
RED = (
    mapped("BTC/USD", exchange="red", tick_size="0.01", lot_size=""),
    mapped("ETH/BTC", exchange="red", quote_type=QuoteType.CRYPTO),
)
BLUE = (
    mapped("BTCUSDT", exchange="blue", name="BTC-USDT", base="BTC", quote="USDT", quote_type=USDT),
    mapped(
        "BTCUSDT.P",
        exchange="blue",
        name="BTC-USDT",
        base="BTC",
        quote="USDT",
        quote_type=USDT,
        kind="linear",
        active=False,
    ),
    mapped("PAXG/USD", exchange="blue", asset_class=AssetClass.COMMODITY),
)


def put(root: Path, day: str, *instruments: MappedInstrument) -> None:
    exchange = instruments[0].exchange
    content = attrs.evolve(saved(*instruments), exchange=exchange)
    DiskFiles(root).replace(f"{exchange}/instruments.{day}.json", encode(content))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two exchanges, one of them with an older file, between other things."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "data"
    put(root, "31.12.23", mapped("OLD/USD", exchange="red"))
    put(root, "01.01.24", *RED)
    put(root, "01.01.24", *BLUE)
    files = DiskFiles(root)
    files.append("journal/lock", b"1\n")
    files.append("red/BTC%2FUSD/MD/time.01.01.24.bin", b"")
    files.append("red/undecodable.01.01.24.jsonl", b"")
    files.append("top", b"")
    files.close()
    return root


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["symbols", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_name_on_every_exchange(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is listed, and what stands in for it where it is not."""
    assert asked(capsys, "BTC-USD") == (
        0,
        "BTC-USD\n"
        "exchange  symbol   pair     base  quote  quote type  asset   kind  tick  lot  active\n"
        "red       BTC/USD  BTC-USD  BTC   USD    fiat        crypto  spot  0.01  -    yes\n"
        "\n"
        "instead of BTC-USD, where it is not listed\n"
        "exchange  symbol   pair      base  quote  quote type  asset   kind  tick  lot    active\n"
        "blue      BTCUSDT  BTC-USDT  BTC   USDT   stablecoin  crypto  spot  0.1   0.001  yes\n",
        "",
    )


@pytest.mark.parametrize("base", ["BTC", "btc", "XBT"])
def test_related(data: Path, capsys: pytest.CaptureFixture[str], base: str) -> None:
    """Everything of a base, in whatever spelling an exchange has for it."""
    code, out, _ = asked(capsys, "--related", base)
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()[2:]] == [
        ["blue", "BTCUSDT"],
        ["blue", "BTCUSDT.P"],
        ["red", "BTC/USD"],
    ]
    assert out.splitlines()[0] == "BTC"
    assert out.splitlines()[3].split()[-5:] == ["crypto", "linear", "0.1", "0.001", "no"]


@pytest.mark.parametrize("text", ["btc-usdt", "BTC/USDT", "btcusdt"])
def test_a_name_as_people_write_it(
    data: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """In any case, with another sign between, or as an exchange spells it."""
    code, out, _ = asked(capsys, text)
    assert code == 0
    assert out.startswith("BTC-USDT\n")


def test_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with all facts, for a name and for a base."""
    code, out, _ = asked(capsys, "BTC-USD", "--json")
    assert code == 0
    assert json.loads(out) == {
        "names": ["BTC-USD"],
        "instruments": [
            {
                "exchange": "red",
                "symbol": "BTC/USD",
                "name": "BTC-USD",
                "base": "BTC",
                "quote": "USD",
                "quote_type": "fiat",
                "asset_class": "crypto",
                "kind": "spot",
                "tick_size": "0.01",
                "lot_size": "",
                "active": True,
                "min_size": "",
                "min_notional": "",
            }
        ],
        "alternatives": [attrs.asdict(BLUE[0])],
    }
    code, out, _ = asked(capsys, "--related", "PAXG", "--json")
    document = json.loads(out)
    assert document["names"] == ["PAXG"]
    assert [each["asset_class"] for each in document["instruments"]] == ["commodity"]
    assert document["alternatives"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["BTC-USX"],
            'no symbol "BTC-USX" is listed on any recorded exchange; near: BTC-USD, BTC-USDT',
        ),
        (["--related", "PAX"], 'no base "PAX" is listed on any recorded exchange; near: PAXG'),
        (["btc"], '"btc" is no symbol but a base: --related BTC shows everything of it'),
        (["XBT"], '"XBT" is no symbol but a base: --related BTC shows everything of it'),
        (["QQQQQ"], 'no symbol "QQQQQ" is listed on any recorded exchange'),
        (["OLD-USD"], 'no symbol "OLD-USD" is listed on any recorded exchange'),
        (["\x1b[2J"], 'no symbol "\\x1b[2J" is listed on any recorded exchange'),
    ],
)
def test_what_is_not_known(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    """Exit code 1, plain words, and what may have been meant."""
    assert asked(capsys, *arguments) == (1, "", f"tick_logger: {said}\n")


@pytest.mark.parametrize("name", ["nothing", "empty"])
def test_nothing_recorded_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """A directory that is not there, or has no instruments; it is not made."""
    (tmp_path / "empty" / "red").mkdir(parents=True)
    where = str(tmp_path / name)
    code, out, err = asked(capsys, "BTC-USD", "--data-path", where)
    assert (code, out) == (1, "")
    assert err == f"tick_logger: no instruments are recorded in {where} yet\n"
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


@pytest.mark.parametrize("arguments", [[], ["BTC-USD", "--related", "BTC"], ["--json"]])
def test_what_to_show_must_be_said(
    data: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """Either a name or a base."""
    code, out, err = asked(capsys, *arguments)
    assert (code, out) == (2, "")
    assert "symbols: give either a name or --related, and not both" in err


def test_a_file_that_cannot_be_read_is_named_and_the_one_before_is_used(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that may be old is better than none, as long as it says so."""
    (data / "red" / "instruments.01.01.24.json").write_text("{")
    code, out, err = asked(capsys, "OLD-USD")
    assert code == 0
    assert "OLD/USD" in out
    assert err.startswith("tick_logger: red/instruments.01.01.24.json is left out: no instruments")


def test_where_and_how_can_be_configured(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The data path and the rules of a configuration file hold here as well."""
    rules = tmp_path / "rules.yaml"
    rules.write_text("quote_groups: {USD_EQUIVALENT: [USD]}\nfiat: [USD]\nstablecoins: [USDT]\n")
    data.rename(tmp_path / "elsewhere")
    config = tmp_path / "config.toml"
    config.write_text('[logger]\ndata_path = "elsewhere"\nsymbol_mappings = "rules.yaml"\n')
    code, out, _ = asked(capsys, "BTC-USD", "--json", "--config", str(config))
    assert code == 0
    assert len(json.loads(out)["instruments"]) == 1
    assert json.loads(out)["alternatives"] == []


def test_a_symbol_that_means_several_things(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them are shown."""
    put(tmp_path, "01.01.24", mapped("ABC", exchange="red", name="A-BC", base="A", quote="BC"))
    put(tmp_path, "01.01.24", mapped("ABC", exchange="blue", name="AB-C", base="AB", quote="C"))
    code, out, _ = asked(capsys, "abc", "--data-path", str(tmp_path))
    assert code == 0
    assert out.splitlines()[0] == "A-BC, AB-C"
    assert len(out.splitlines()) == 4
