"""Normal names beside the spelling of exchanges, and in its place, in commands that read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reader.example import write_example
from tick_logger.cli.main import main

BLUE, RED = "coinbase:BTC-USD", "kraken:BTC/USD"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two exchanges that spell one pair in two ways."""
    return str(write_example(tmp_path_factory.mktemp("data")))


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    said = capsys.readouterr()
    return code, said.out, said.err


BOTH = f"tick_logger: BTC-USD is {BLUE}, {RED}\n"
TEN = ("--at", "2026-11-29T10:01:00Z")


def test_what_is_recorded(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each symbol with its pair; the name stands for both, and that is said."""
    code, out, err = asked(capsys, "ls", data, "--symbols", "BTC-USD")
    assert (code, err) == (0, BOTH)
    head, *lines = [line.split() for line in out.splitlines()]
    assert head[:3] == ["symbol", "pair", "table"]
    assert {tuple(line[:2]) for line in lines} == {(BLUE, "BTC-USD"), (RED, "BTC-USD")}
    _, out, err = asked(capsys, "ls", data, "--json", "--symbols", RED)
    assert err == ""
    assert {json.loads(line)["pair"] for line in out.splitlines()} == {"BTC-USD"}


def test_another_spelling_at_one_exchange(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With an exchange before it a name means one; a pattern is what it says."""
    _, out, err = asked(capsys, "ls", data, "--symbols", "kraken:btc_usd")
    assert err == f"tick_logger: kraken:btc_usd is {RED}\n"
    assert BLUE not in out
    assert asked(capsys, "ls", data, "--symbols", "kraken:*")[2] == ""


def test_what_is_missing(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Holes too."""
    code, out, err = asked(capsys, "gaps", data, "--symbols", "BTC-USD")
    assert (code, err) == (1, BOTH)
    head, line = out.split("\n\n")[1].splitlines()
    assert head.split()[:5] == ["lasted", "cause", "symbol", "pair", "table"]
    assert line.split()[1:5] == ["sequence", RED, "BTC-USD", "trades"]
    _, out, _ = asked(capsys, "gaps", data, "--json")
    assert [json.loads(line)["pair"] for line in out.splitlines()] == ["BTC-USD"]


def test_first_rows(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of several by row; of one beside its day, where it is spelled otherwise."""
    _, out, err = asked(capsys, "head", data, "BTC-USD", "trades", "-n", "2")
    assert err == BOTH
    assert out.splitlines()[1].split()[:3] == ["time", "symbol", "pair"]
    assert out.splitlines()[2].split()[1:3] == [BLUE, "BTC-USD"]
    _, out, err = asked(capsys, "head", data, RED, "trades", "-n", "1")
    assert (out.splitlines()[0], err) == (f"2026-11-29 (UTC)  {RED} (BTC-USD)", "")
    _, out, _ = asked(capsys, "head", data, BLUE, "trades", "-n", "1")
    assert out.splitlines()[0] == "2026-11-29 (UTC)"


def test_rows_for_machines(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A field, and a column after all others."""
    name = [data, RED, "trades", "-n", "160", "--format"]
    _, out, _ = asked(capsys, "head", *name, "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert {each["pair"] for each in found if "gap" not in each} == {"BTC-USD"}
    assert [each["gap"]["pair"] for each in found if "gap" in each] == ["BTC-USD"]
    _, out, _ = asked(capsys, "head", *name, "csv")
    head, first = out.splitlines()[:2]
    assert head.endswith(",origin,pair")
    assert first.endswith(",0,BTC-USD")


def test_a_book(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that means several is refused, and they are named."""
    code, out, err = asked(capsys, "book", data, "BTC-USD", *TEN)
    assert (code, out) == (1, "")
    assert err.endswith(f"BTC-USD is several: {BLUE}, {RED}; name one of them\n")
    code, out, err = asked(capsys, "book", data, "kraken:BTC-USD", *TEN)
    assert (code, err) == (0, f"tick_logger: kraken:BTC-USD is {RED}\n")
    assert out.startswith(f"{RED} (BTC-USD) at 2026-11-29T10:01:00Z")
    _, out, _ = asked(capsys, "book", data, RED, *TEN, "--json")
    assert (json.loads(out)["symbol"], json.loads(out)["pair"]) == (RED, "BTC-USD")


def test_a_name_of_nothing(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Is said once, with what is near."""
    code, out, err = asked(capsys, "gaps", data, "--symbols", "BTC-USDT")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1
    assert "nothing is recorded of 'BTC-USDT'" in err
    assert "near are: BTC-USD" in err


def test_an_export(data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Says what it writes, too."""
    where = ["--out", str(tmp_path / "out"), "--tables", "trades"]
    code, _, err = asked(capsys, "export", data, *where, "--symbols", "kraken:BTC-USD")
    assert code == 0
    assert f"tick_logger: kraken:BTC-USD is {RED}\n" in err
