"""An archive gives what the column files gave that it was packed from, call by call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tick_logger
from tests.reader.kept import DAYS, EXCHANGES, Kept, write
from tests.storage.sample import DAY, MIDNIGHT_NS, SECOND, numbered
from tick_logger.model.tables import ORIGIN_ASIDE, ORIGIN_REST, Table
from tick_logger.reader import DamagedError, Gap, OverlapError, Recording, Rows
from tick_logger.reader.archived import Archived
from tick_logger.reader.columns import COLUMNS
from tick_logger.reader.joined import Joined
from tick_logger.reader.opening import source_at
from tick_logger.reader.recording import Recording as OfSource

ALWAYS = ("2024-02-01", "2024-02-04")
SYMBOLS = ["venue:BTC-USD", "venue:007", "other:XBT/USD"]
KINDS = ("trades", "quotes", "ticker", "book_updates")


@pytest.fixture(scope="module", params=["f4+rest", "f8"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Three days, packed and certified, and none released."""
    folder = tmp_path_factory.mktemp("kept")
    found = Kept(folder / "data", folder / "archive")
    write(found, request.param)
    found.pack_all()
    return found


def values(rows: Rows) -> dict[str, list[Any]]:
    """Every column, so that absent numbers are equal."""
    return {
        name: [None if value != value else value for value in column.tolist()]
        for name, column in rows.numpy().items()
    }


def calls(rec: Recording, *, late: Sequence[str] = ("merge", "drop")) -> Iterator[tuple[str, Any]]:
    """Everything that can be asked."""
    yield "symbols", rec.symbols()
    for kind in KINDS:
        ask: Callable[..., Rows] = getattr(rec, kind)
        table = next(t for t in Table if len(COLUMNS[t]) and _word(t) == kind)
        every = ["exchange", "symbol", *(column.name for column in COLUMNS[table])]
        for how in late:
            for by in ("event", "received"):
                rows = ask(SYMBOLS, *ALWAYS, columns=every, late=how, by=by)
                yield f"{kind} {how} {by}", values(rows)
                yield f"{kind} {how} {by} known", (rows.gaps, rows.proof, rows.complete)
    btc = SYMBOLS[0]
    for second in (0, 3, 20, 61, 65, 80):
        book = rec.book(btc, MIDNIGHT_NS + second * SECOND)
        yield f"book {second}", (
            book.broken, book.cause, book.bids.tolist(), book.asks.tolist()
        )  # fmt: skip
    day = ("2024-02-01", "2024-02-02")
    begin = MIDNIGHT_NS
    yield "books", values(rec.books(btc, begin, begin + 90 * SECOND, every="5s", depth=3))
    yield "bars", values(rec.bars(SYMBOLS, *ALWAYS, every="10s"))
    yield "asof", values(rec.asof(rec.trades(btc, *day), rec.quotes(btc, *day)))
    yield "consolidated", values(rec.consolidated(SYMBOLS, *day))
    yield "gaps", rec.gaps(SYMBOLS, 0)
    for symbol in SYMBOLS:
        yield f"condition {symbol}", [rec.condition(symbol, f"2024-02-0{n}") for n in range(1, 6)]
    yield (
        "replay",
        [each if isinstance(each, Gap) else values(each) for each in rec.replay(*SYMBOLS, start=0)],
    )


def _word(table: Table) -> str:
    from tick_logger.archive.keys import WORDS

    return WORDS[table]


def same(found: Recording, wanted: Recording, late: Sequence[str] = ("merge", "drop")) -> None:
    for (name, one), (_, other) in zip(
        calls(found, late=late), calls(wanted, late=late), strict=True
    ):
        assert one == other, name


def catalog(rec: Recording) -> dict[str, list[Any]]:
    return values(rec.catalog())


def test_an_archive_alone(kept: Kept) -> None:
    """All but what has an impossible time, which is in no archive."""
    archive, files = tick_logger.open(kept.root), tick_logger.open(kept.data)
    same(archive, files)
    for kind in KINDS:
        found, wanted = (
            getattr(rec, kind)(SYMBOLS, 0, "2030-01-01", late="only") for rec in (archive, files)
        )
        kept_rows = wanted.numpy("origin") != ORIGIN_ASIDE
        for name, column in wanted.numpy().items():
            np.testing.assert_array_equal(found.numpy(name), column[kept_rows])


def test_joined_with_its_recording(kept: Kept) -> None:
    """In either order, before anything is released."""
    files = tick_logger.open(kept.data)
    for sources in ([kept.data, kept.root], [kept.root, kept.data]):
        rec = tick_logger.open(sources)
        same(rec, files, late=("merge", "drop", "only"))
        assert catalog(rec) == catalog(files)


def test_after_a_release(kept: Kept, tmp_path: Path) -> None:
    """The same as before, also by the archive beside it; impossible rows are still there."""
    files = tick_logger.open(kept.data)
    gone = kept.copy(tmp_path / "gone")
    for exchange in EXCHANGES:
        for day in DAYS[:2]:
            gone.release(day, exchange)
    for rec in (tick_logger.open([gone.data, gone.root]), tick_logger.open(gone.data)):
        same(rec, files, late=("merge", "drop", "only"))
        assert catalog(rec) == catalog(files)
    same(tick_logger.open(gone.root), files)


def test_rows_that_came_after_the_release(kept: Kept, tmp_path: Path) -> None:
    """Are seen once: while they are in files alone, and when they are packed too."""
    one, other = kept.copy(tmp_path / "one"), kept.copy(tmp_path / "other")
    one.release(DAY)
    for each in (one, other):
        width = "f8" if _is_f8(kept) else "f4+rest"
        recorder = each.recorder(width)
        recorder.write(Table.TRADES, numbered(61, 69, price=1.5), late=True, origin=ORIGIN_REST)
    wanted = tick_logger.open(other.data)
    same(tick_logger.open(one.data), wanted, late=("merge", "drop", "only"))
    same(tick_logger.open([one.root, one.data]), wanted, late=("merge", "drop", "only"))
    other.pack(DAY)
    same(tick_logger.open([other.data, other.root]), wanted, late=("merge", "drop", "only"))
    same(tick_logger.open(other.root), wanted)


def _is_f8(kept: Kept) -> bool:
    (path,) = (kept.data / "venue" / "BTC-USD" / "TRADES").glob("trade_price.01.*")
    return path.stat().st_size % 8 == 0 and path.stat().st_size == 54 * 8


def test_late_files_that_began_anew(kept: Kept, tmp_path: Path) -> None:
    """Where these went with the release too, late rows are the archive's and the new ones."""
    files = tick_logger.open(kept.data)
    gone = kept.copy(tmp_path / "gone")
    gone.release(DAY)
    for path in gone.data.rglob("late/*/*.01.02.24.bin"):
        path.unlink()
    rec = tick_logger.open([gone.data, gone.root])
    same(rec, files)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_range_and_columns(kept: Kept, data: st.DataObject) -> None:
    """Of any table and symbol."""
    table = data.draw(st.sampled_from(list(Table)))
    names = [column.name for column in COLUMNS[table]]
    columns = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    edges = st.integers(-5, 4 * 86_400 + 5) | st.integers(-5, 80) | st.integers(86_390, 86_480)
    start, end = sorted(data.draw(st.tuples(edges, edges)))
    symbol = data.draw(st.sampled_from(SYMBOLS))
    late, by = data.draw(st.tuples(st.sampled_from(["merge", "drop"]),
                                   st.sampled_from(["event", "received"])))  # fmt: skip
    found, wanted = (
        getattr(tick_logger.open(where), _word(table))(
            symbol, MIDNIGHT_NS + start * SECOND, MIDNIGHT_NS + (end + 1) * SECOND,
            columns=columns, late=late, by=by,
        )
        for where in (kept.root, kept.data)
    )  # fmt: skip
    assert values(found) == values(wanted)
    assert (found.gaps, found.proof, found.complete) == (wanted.gaps, wanted.proof, wanted.complete)
    assert len(found) == len(wanted)


def test_another_recorders_archive_does_not_belong(kept: Kept, tmp_path: Path) -> None:
    """Neither by its rows, nor beside a directory that it is not of."""
    strange = Kept(tmp_path / "data", tmp_path / "archive")
    strange.recorder().write(Table.TRADES, numbered(1, 5))
    rec = tick_logger.open([strange.data, kept.root])
    with pytest.raises(OverlapError, match="both have TRADES of venue:BTC-USD"):
        rec.trades("venue:BTC-USD", "2024-02-01").numpy("id")
    gone = kept.copy(tmp_path / "gone")
    gone.release(DAY)
    gone.root.rename(tmp_path / "archive")
    assert tick_logger.open(strange.data).symbols() == ("venue:BTC-USD",)
    assert len(tick_logger.open(strange.data).trades("venue:BTC-USD", "2024-02-01")) == 5


def test_an_object_that_is_gone_is_told(kept: Kept, tmp_path: Path) -> None:
    """By name; and one that was never written down is not read."""
    gone = kept.copy(tmp_path / "gone")
    (path,) = (gone.root / "data/table=trades/exchange=venue/date=2024-02-01").iterdir()
    path.with_name(f"here-{'0' * 12}.parquet").write_bytes(path.read_bytes())
    same(tick_logger.open(gone.root), tick_logger.open(kept.data))
    path.unlink()
    with pytest.raises(DamagedError, match=r"here-\w{12}\.parquet is not there; if it is kept"):
        tick_logger.open(gone.root).trades("venue:007", "2024-02-01").numpy("id")
    gone.release(DAY)
    assert len(tick_logger.open(gone.data).trades("venue:007", "2024-02-02")) > 0


@pytest.mark.parametrize("at", [0.05, 0.1, 0.3])
def test_a_flipped_bit_is_an_error(kept: Kept, tmp_path: Path, at: float) -> None:
    """Never another number."""
    gone = kept.copy(tmp_path / "gone")
    (path,) = (gone.root / "data/table=trades/exchange=venue/date=2024-02-01").iterdir()
    content = bytearray(path.read_bytes())
    content[int(len(content) * at)] ^= 1
    path.write_bytes(content)
    rows = tick_logger.open(gone.root).trades("venue:*", *ALWAYS, columns=_every())
    with pytest.raises(DamagedError, match=path.name):
        rows.numpy()


def _every() -> list[str]:
    return ["symbol", *(column.name for column in COLUMNS[Table.TRADES])]


@pytest.mark.parametrize("size", [0, 7, 100, -1])
def test_a_truncated_object_is_an_error(kept: Kept, tmp_path: Path, size: int) -> None:
    """Named, with what is wrong."""
    gone = kept.copy(tmp_path / "gone")
    (path,) = (gone.root / "data/table=quotes/exchange=venue/date=2024-02-01").iterdir()
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(DamagedError, match=path.name):
        tick_logger.open(gone.root).quotes("venue:007", "2024-02-01").numpy("bid")


def test_an_archive_without_its_ledger(kept: Kept, tmp_path: Path) -> None:
    """As in a bucket: what lies there counts."""
    copy = kept.copy(tmp_path / "copy")
    (copy.root / "meta/ledger.jsonl").unlink()
    same(tick_logger.open(copy.root), tick_logger.open(kept.data))


def test_sources_are_recognised(kept: Kept) -> None:
    """By what lies there."""
    assert isinstance(source_at(kept.root), Archived)
    assert repr(tick_logger.open(kept.root)).endswith("3 symbols of other, venue>")
    assert isinstance(OfSource(Joined([source_at(kept.root)])), Recording)


def test_without_a_certificate_nothing_is_vouched_for(kept: Kept, tmp_path: Path) -> None:
    """Only certificates tell what is missing: such a day is neither available nor proven."""
    bare = kept.copy(tmp_path / "bare")
    symbol, date = "venue:007", "2024-02-02"
    assert tick_logger.open(bare.root).condition(symbol, date) == "available"
    for path in bare.root.glob("meta/venue/certificate.2024-02-02.*"):
        path.unlink()
    rec = tick_logger.open(bare.root)
    assert rec.condition(symbol, date) == "pending"
    words = rec.catalog(symbol, "2024-02-02", "2024-02-03").numpy("condition").tolist()
    assert set(words) == {"pending"}
    rows = rec.trades(symbol, date)
    assert (rows.proof, rows.complete) == ("unprovable", None)
    with pytest.raises(tick_logger.IncompleteError):
        rows.require("proven")
    for sources in ([bare.data, bare.root], [bare.root, bare.data]):
        assert tick_logger.open(sources).condition(symbol, date) == "available"
