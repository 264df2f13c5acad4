"""The command `book`: an order book at a moment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import MIDNIGHT_NS
from tick_logger.cli.main import main
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table

BTC = "venue:BTC-USD"


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A snapshot of two levels a side, a change of the best bid, and a hole behind it."""
    recorder = Recorder(tmp_path / "data")
    snapshot = [(1, 99.5, 1.0), (1, 99.0, 2.0), (0, 100.0, 3.0), (0, 101.0, 0.5)]
    rows = [
        trade(1, 10, side=side, price=price, size=size, flags=1) for side, price, size in snapshot
    ]
    recorder.write(Table.BOOK, [*rows, trade(2, 20, side=1, price=99.75, size=0.25)])
    at = MIDNIGHT_NS + 30 * MS
    recorder.miss(GapRecord(0, Table.BOOK, None, None, at, None, Cause.DISCONNECT))
    return str(recorder.folder)


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["book", *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_book_for_people(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Asks above bids, the best in the middle, as deep as is asked for."""
    assert asked(capsys, data, BTC, "--at", "2024-02-01T00:00:00.025Z", "--depth", "2") == (
        0,
        "venue:BTC-USD at 2024-02-01T00:00:00.025Z, as of 2024-02-01T00:00:00.02Z\n"
        "3 bids, 2 asks\n"
        "side  price  size\n"
        "ask     101   0.5\n"
        "ask     100     3\n"
        "bid   99.75  0.25\n"
        "bid    99.5     1\n",
        "",
    )


def test_a_book_for_machines(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One object."""
    code, out, _ = asked(capsys, data, BTC, "--at", "2024-02-01T00:00:00.015Z", "--json")
    assert code == 0
    assert json.loads(out) == {
        "symbol": BTC,
        "pair": None,
        "at": "2024-02-01T00:00:00.015Z",
        "as_of": "2024-02-01T00:00:00.01Z",
        "broken": False,
        "cause": "",
        "bids": [[99.5, 1.0], [99.0, 2.0]],
        "asks": [[100.0, 3.0], [101.0, 0.5]],
    }


def test_a_book_that_is_not_known_to_be_right(
    data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Inside a hole, and before its first snapshot: the cause, and exit code 1."""
    code, out, err = asked(capsys, data, BTC, "--at", "2024-02-01T01:00Z")
    assert (code, err) == (1, "tick_logger: it is not known to be right: disconnect\n")
    assert "99.75" in out
    code, out, err = asked(capsys, data, BTC, "--at", "2024-01-31")
    assert (code, err) == (1, "tick_logger: it is not known to be right: no snapshot\n")
    assert out == "venue:BTC-USD at 2024-01-31T00:00:00Z\n0 bids, 0 asks\n"


def test_mistakes_are_answered_calmly(data: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A symbol that is not recorded: 1; a time or a depth that is none: 2."""
    code, _, err = asked(capsys, data, "venue:BTC-USDT", "--at", "2024-02-01")
    assert (code, "near are: venue:BTC-USD" in err) == (1, True)
    code, _, err = asked(capsys, data, BTC, "--at", "noon")
    assert (code, "--at: 'noon' is no time" in err) == (2, True)
    code, _, err = asked(capsys, data, BTC, "--at", "2024-02-01", "--depth", "0")
    assert (code, "--depth: must be a number above zero, not 0" in err) == (2, True)
