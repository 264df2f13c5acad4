"""What a page is told of a recording: its days, its symbols, and a day of one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.reader.example import write_example
from tests.reader.recorded import Recorder
from tests.reader.test_rows import MS, trade
from tests.storage.sample import MIDNIGHT_NS, SECOND
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.reader import day_view, looking_back, survey
from tick_logger.reader.looking_back import LookingBack

DAY_MS = 86_400_000
NOW_NS = MIDNIGHT_NS + 3 * DAY_MS * MS
TODAY, NEXT = "2024-02-01", "2024-02-02"


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "data")


def read(said: bytes) -> dict[str, Any]:
    """What was said, which is an object."""
    found = json.loads(said)
    assert isinstance(found, dict)
    return found


@attrs.define
class Looker:
    """Asks, at a time that can be changed."""

    folder: Path
    now_ns: int = NOW_NS
    past: LookingBack = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.past = LookingBack(self.folder, lambda: self.now_ns)

    def calendar(self) -> dict[str, Any]:
        return read(self.past.calendar())

    def symbols(self, **wanted: Any) -> dict[str, Any]:  # noqa: ANN401 - those of the port
        usual = {"query": "", "exchange": None, "day": None, "sort": "symbol"}
        return read(self.past.symbols(**{**usual, "offset": 0, "limit": 50, **wanted}))

    def day(
        self, day: str = TODAY, *, start_ns: int = 0, end_ns: int = 0, buckets: int = 100
    ) -> dict[str, Any]:
        return read(self.past.day("venue", "BTC-USD", day, start_ns, end_ns, buckets))


def hole(begin_ms: int, end_ms: int | None, table: Table = Table.TRADES) -> GapRecord:
    """Of the first symbol, in ms after midnight."""
    end = None if end_ms is None else MIDNIGHT_NS + end_ms * MS
    return GapRecord(0, table, 5, 9, MIDNIGHT_NS + begin_ms * MS, end, Cause.DISCONNECT)


def test_days_by_exchange(recorder: Recorder) -> None:
    """With rows, holes, and how long is missing at most; a day in between is missing."""
    recorder.write(Table.TRADES, [trade(1, 0), trade(2, 9_000), trade(3, 2 * DAY_MS)])
    recorder.write(Table.MD, [trade(1, 8)], of=1)
    recorder.miss(hole(1_000, 4_000), hole(3_000, 5_000), hole(0, 1_000, Table.QUOTES))
    found = Looker(recorder.folder).calendar()
    assert (found["looked"], found["of"]) == (2, 2)
    other, venue = found["exchanges"]
    assert [each["condition"] for each in other["days"]] == ["available", "missing", "missing"]
    assert (venue["name"], venue["symbols"]) == ("venue", 1)
    first, second, third = venue["days"]
    last = MIDNIGHT_NS / 1e9 + 9
    told = {"day": TODAY, "symbols": 1, "degraded": 1, "condition": "degraded", "rows": 2}
    more = {"late": 0, "holes": 2, "missing_secs": 4.0, "damaged": 0, "last": last}
    assert first == {**told, **more}
    assert (second["condition"], second["rows"], second["last"]) == ("missing", 0, None)
    assert (third["condition"], third["rows"]) == ("pending", 1)


def test_an_open_hole_lasts_until_now(recorder: Recorder) -> None:
    """And on a day that is over until its end."""
    recorder.write(Table.TRADES, [trade(1, 0), trade(2, DAY_MS)])
    recorder.miss(hole(DAY_MS - 1_000, None))
    looker = Looker(recorder.folder, MIDNIGHT_NS + DAY_MS * MS + 7 * SECOND)
    (venue,) = looker.calendar()["exchanges"]
    assert [each["missing_secs"] for each in venue["days"]] == [1.0, 7.0]
    looker.now_ns += SECOND
    (venue,) = looker.calendar()["exchanges"]
    assert [each["missing_secs"] for each in venue["days"]] == [1.0, 8.0]


def test_a_hole_that_heals_is_seen_to(recorder: Recorder) -> None:
    """A day that is over and good is not looked at again; one with a hole is."""
    recorder.write(Table.TRADES, [trade(1, 0)])
    recorder.miss(hole(1_000, 2_000))
    looker = Looker(recorder.folder)
    assert looker.calendar()["exchanges"][0]["days"][0]["condition"] == "degraded"
    recorder.miss(attrs.evolve(hole(1_000, 2_000), healed="rest"))
    assert looker.calendar()["exchanges"][0]["days"][0]["condition"] == "available"


def test_many_symbols_are_looked_at_a_little_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call goes on where the last one ended, and says how far it is."""
    names = tuple(("venue", f"S{number}") for number in range(5))
    recorder = Recorder(tmp_path, names=names)
    for number in range(5):
        recorder.write(Table.TRADES, [trade(1, 0)], of=number)
    monkeypatch.setattr(survey.Survey.advance, "__defaults__", (1,))
    looker = Looker(tmp_path)
    for looked in (1, 2, 3, 4, 5, 5):
        found = looker.calendar()
        assert (found["looked"], found["of"]) == (looked, 5)
        assert found["exchanges"][0]["days"][0]["rows"] == looked


def test_symbols_are_found_sorted_and_cut(recorder: Recorder) -> None:
    """By name, rows, last data or holes; of one exchange or day; in pages."""
    recorder.write(Table.TRADES, [trade(1, 0), trade(2, 10), trade(3, DAY_MS)])
    recorder.write(Table.TRADES, [trade(1, 5_000)], of=1)
    recorder.miss(hole(1_000, 2_000))
    looker = Looker(recorder.folder)

    def named(**wanted: object) -> list[str]:
        return [each["symbol"] for each in looker.symbols(**wanted)["symbols"]]

    assert named() == named(sort="-rows") == named(sort="-last") == ["BTC-USD", "XBT/USD"]
    assert named(sort="rows") == named(sort="holes") == named(sort="-symbol")
    assert named(sort="rows") == ["XBT/USD", "BTC-USD"]
    assert named(query=" btc") == named(query="VENUE/") == named(exchange="venue") == ["BTC-USD"]
    assert named(day=NEXT) == ["BTC-USD"]
    assert named(offset=1, limit=1) == ["XBT/USD"]
    assert looker.symbols(limit=1)["total"] == 2
    (btc,) = looker.symbols(exchange="venue")["symbols"]
    assert (btc["days"], btc["last_day"], btc["rows"], btc["holes"]) == (2, NEXT, 3, 1)
    with pytest.raises(ValueError, match="sort must be one of symbol, rows, last, holes"):
        looker.symbols(sort="price")
    with pytest.raises(ValueError, match="is no day"):
        looker.symbols(day="today")


def test_a_day_with_a_hole(recorder: Recorder) -> None:
    """Prices, bids and asks, volume by bucket; the hole with its cause and ids."""
    rows = [trade(1, 0, price=10.0, size=1.0), trade(2, 500, price=12.0, size=2.0)]
    recorder.write(Table.TRADES, [*rows, trade(9, 9_999, price=11.0, size=4.0)])
    recorder.write(Table.QUOTES, [trade(1, 100, best_bid=9.0, best_ask=10.5)])
    recorder.miss(hole(1_000, 4_000))
    found = Looker(recorder.folder).day()
    start = MIDNIGHT_NS / 1e9
    assert found["extent"]["from_ns"] == str(MIDNIGHT_NS)
    assert found["extent"]["to_ns"] == str(MIDNIGHT_NS + 9_999 * MS + 1)
    assert (found["condition"], found["over"], found["damaged"]) == ("degraded", True, [])
    prices = found["prices"]
    assert prices["table"] == "trades"
    assert prices["at"] == [0, 5, 99]
    assert (prices["low"], prices["volume"]) == ([10.0, 12.0, 11.0], [1.0, 2.0, 4.0])
    assert found["spread"]["bid"]["last"] == [9.0]
    assert found["spread"]["ask"]["last"] == [10.5]
    assert found["holes"] == [
        {
            "table": "trades",
            "cause": "disconnect",
            "from": start + 1,
            "to": start + 4,
            "shown": [start + 1, start + 4],
            "from_id": "5",
            "to_id": "9",
        }
    ]
    assert (found["before"], found["after"]) == (None, None)
    assert found["tables"]["trades"]["rows"] == 3


def test_a_part_of_a_day(recorder: Recorder) -> None:
    """No more rows than asked for, and never less than a millisecond."""
    recorder.write(Table.TRADES, [trade(n, n * 10, price=float(n)) for n in range(100)])
    looker = Looker(recorder.folder)
    start = MIDNIGHT_NS + 100 * MS
    part = looker.day(start_ns=start, end_ns=start + 30 * MS)
    assert part["prices"]["last"] == [10.0, 11.0, 12.0]
    short = looker.day(start_ns=start, end_ns=start + 1)
    assert int(short["range"]["to_ns"]) - start == day_view.SHORTEST_NS
    beyond = looker.day(start_ns=start + 2 * DAY_MS * MS, end_ns=start + 3 * DAY_MS * MS)
    assert beyond["range"] == beyond["extent"]


def test_a_day_of_one_row(recorder: Recorder) -> None:
    """Has a length that a browser can tell from none, also at its end."""
    recorder.write(Table.TRADES, [trade(1, DAY_MS - 1), trade(2, DAY_MS)])
    looker = Looker(recorder.folder)
    for day in (TODAY, NEXT):
        extent = looker.day(day)["extent"]
        assert extent["to"] - extent["from"] == pytest.approx(1e-3, rel=1e-3)


def test_the_ticker_stands_in(recorder: Recorder) -> None:
    """Where neither trades nor quotes are recorded."""
    recorder.write(Table.MD, [trade(0, 5, price=7.0, best_bid=6.5, best_ask=7.5)])
    found = Looker(recorder.folder).day()
    assert (found["prices"]["table"], found["prices"]["last"]) == ("ticker", [7.0])
    assert (found["spread"]["table"], found["spread"]["ask"]["last"]) == ("ticker", [7.5])


def test_days_without_rows(recorder: Recorder) -> None:
    """A day in a hole has the hole; another has its neighbours; what is unknown is an error."""
    recorder.write(Table.TRADES, [trade(1, 0), trade(2, 2 * DAY_MS)])
    looker = Looker(recorder.folder)
    empty = looker.day(NEXT)
    assert (empty["condition"], empty["tables"], empty["extent"]) == ("missing", {}, None)
    assert (empty["before"], empty["after"]) == (TODAY, "2024-02-03")
    recorder.miss(hole(500, 2 * DAY_MS))
    inside = looker.day(NEXT)
    midnight = MIDNIGHT_NS / 1e9
    assert inside["holes"][0]["shown"] == [midnight + 86_400, midnight + 2 * 86_400]
    assert inside["prices"] is None
    for day in ("2024-2-1", "yesterday", "2024-02-30"):
        with pytest.raises(ValueError, match=r"no day|no time"):
            looker.day(day)
    for name in ("NOPE", "../venue", ""):
        with pytest.raises(LookupError, match="nothing is recorded of venue:"):
            looker.past.day("venue", name, TODAY, 0, 0, 100)


def test_damaged_files_are_said(recorder: Recorder) -> None:
    """By name, in the calendar, in the list and on the day; all else is shown."""
    recorder.write(Table.TRADES, [trade(n, n) for n in range(4)])
    recorder.write(Table.QUOTES, [trade(n, n) for n in range(4)])
    price = recorder.folder / "venue/BTC-USD/TRADES/trade_price.01.02.24.bin"
    price.write_bytes(price.read_bytes()[:-3])
    looker = Looker(recorder.folder)
    found = looker.day()
    words = "venue/BTC-USD/TRADES/trade_price.01.02.24.bin has 3 of 4 rows"
    assert words in found["damaged"]
    assert found["prices"] is None
    assert found["spread"]["bid"]["last"] == [100.25] * 4
    assert looker.calendar()["exchanges"][0]["days"][0]["damaged"] == 1
    assert looker.symbols()["symbols"][0]["damaged"] == 1
    price.write_bytes(b"")
    assert words.replace("3 of 4", "0 of 4") in looker.day()["damaged"]


def test_a_day_that_is_over_is_read_once(recorder: Recorder) -> None:
    """One that may still grow is read each time; so many answers are kept."""
    recorder.write(Table.TRADES, [trade(1, 0)])
    looker = Looker(recorder.folder, MIDNIGHT_NS + SECOND)
    assert looker.day()["tables"]["trades"]["rows"] == 1
    recorder.write(Table.TRADES, [trade(2, 5)])
    assert looker.day()["tables"]["trades"]["rows"] == 2
    looker.now_ns = NOW_NS
    for part in range(looking_back.MOST_KEPT + 10):
        looker.day(start_ns=MIDNIGHT_NS, end_ns=MIDNIGHT_NS + (part + 1) * SECOND)
    kept = looker.past._kept
    assert len(kept) == looking_back.MOST_KEPT
    trades = recorder.folder / "venue/BTC-USD/TRADES"
    for file in trades.iterdir():
        if not file.name.startswith("trade_time."):  # which tells how many rows there are
            file.unlink()
    end_ns = MIDNIGHT_NS + looking_back.MOST_KEPT * SECOND
    assert looker.day(start_ns=MIDNIGHT_NS, end_ns=end_ns)["tables"]["trades"]["rows"] == 2


def test_what_was_kept_is_told_anew_when_it_has_changed(recorder: Recorder) -> None:
    """A hole that heals, a late row, a next day; nobody has to start anything again."""
    recorder.write(Table.TRADES, [trade(1, 0), trade(4, 5_000)])
    hole = GapRecord(0, Table.TRADES, 2, 3, MIDNIGHT_NS, MIDNIGHT_NS + SECOND, Cause.SEQUENCE)
    recorder.miss(hole)
    looker = Looker(recorder.folder, NOW_NS)
    assert (looker.day()["holes_in_all"], looker.day()["condition"]) == (1, "degraded")
    recorder.miss(attrs.evolve(hole, healed="rest"))
    assert (looker.day()["holes_in_all"], looker.day()["condition"]) == (0, "available")
    assert looker.day()["tables"]["trades"]["rows"] == 2
    recorder.write(Table.TRADES, [trade(2, 500)], late=True)
    found = looker.day()
    assert (found["tables"]["trades"]["rows"], found["tables"]["trades"]["late"]) == (3, 1)
    assert found["after"] is None
    recorder.write(Table.QUOTES, [trade(9, 86_400_000)])
    assert looker.day()["after"] == "2024-02-02"


def test_a_directory_that_is_not_there_yet(tmp_path: Path) -> None:
    """A recorder serves its page before it has written anything."""
    looker = Looker(tmp_path / "data")
    with pytest.raises(LookupError, match="there is no directory"):
        looker.calendar()
    (tmp_path / "data").mkdir()
    assert looker.calendar() == {"exchanges": [], "looked": 0, "of": 0}


def test_symbols_are_called_by_two_names(tmp_path: Path) -> None:
    """Found by either, and told with both; what is listed is looked up again now and then."""
    looker = Looker(write_example(tmp_path))
    (found,) = looker.symbols(query="kraken/btc")["symbols"]
    assert (found["symbol"], found["pair"]) == ("BTC/USD", "BTC-USD")
    names = [each["symbol"] for each in looker.symbols(query="btc-u")["symbols"]]
    assert names == ["BTC-USD", "BTC/USD"]
    told = read(looker.past.day("kraken", "BTC/USD", "2026-11-29", 0, 0, 100))
    assert told["pair"] == "BTC-USD"
    (file,) = tmp_path.glob("kraken/instruments.*.json")
    file.write_bytes(file.read_bytes().replace(b"BTC-USD", b"XBT-USD"))
    looker.now_ns += 599 * SECOND
    assert looker.symbols(query="xbt-u")["symbols"] == []
    looker.now_ns += SECOND
    assert looker.symbols(query="xbt-u")["total"] == 1
