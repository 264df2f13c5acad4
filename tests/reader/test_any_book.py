"""Any recording, asked at any moment while it grows, gives the books of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tick_logger
from tests.reader.book_oracle import Rules, best, cause, in_order, seen
from tests.reader.book_rows import DAY_MS, at, row, snapshot
from tests.reader.recorded import Recorder
from tests.storage.sample import NAN
from tick_logger.exchanges import registry
from tick_logger.model.cause import Cause
from tick_logger.model.flush import GapRecord
from tick_logger.model.tables import Table
from tick_logger.model.times import day_of
from tick_logger.reader import book_day, book_rows, book_series, ladders
from tick_logger.reader.recording import Recording


@attrs.frozen
class Message:
    """An update or a snapshot, how long after the one before, and how it was received."""

    after_ms: int
    is_snapshot: bool
    levels: tuple[tuple[int, int, int], ...]  # side, price, size
    lag_ms: int
    late: bool
    batch: int


level = st.tuples(st.integers(0, 1), st.integers(1, 9), st.integers(0, 2))
message = st.builds(
    Message,
    after_ms=st.sampled_from([0, 1, 1, 2, 3, DAY_MS // 3]),
    is_snapshot=st.sampled_from([False, False, False, True]),
    levels=st.lists(level, min_size=1, max_size=5).map(tuple),
    lag_ms=st.integers(0, 3),
    late=st.sampled_from([False, False, False, True]),
    batch=st.integers(0, 2),
)
hole = st.tuples(st.integers(0, 40), st.one_of(st.none(), st.integers(0, 9)))


def rows_of(number: int, ms: int, each: Message, *, numbered: bool) -> list[dict[str, Any]]:
    """A message as rows; a snapshot has each price once, and a row for a side without any."""
    common = {"recv_ns": at(ms + each.lag_ms), "seq": number + 1 if numbered else 0}
    if not each.is_snapshot:
        return [row(ms, *level, **common) for level in each.levels]
    levels = {(side, price): size or 1 for side, price, size in each.levels}
    full: list[tuple[int, float, float]]
    full = [(side, price, size) for (side, price), size in levels.items()]
    full += [(side, NAN, 0) for side in (0, 1) if side not in {of for of, *_ in full}]
    return snapshot(ms, *full, **common)


@pytest.fixture(scope="module", autouse=True, params=["usual", "small"])
def bounds(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pieces of some rows, so that few rows are many pieces; and those of every day."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "small":
            patch.setattr(book_day, "KEPT_EVERY_ROWS", 3)
            patch.setattr(book_day, "CUT_KEPT_EVERY_ROWS", 2)
            patch.setattr(book_day, "ROWS_PER_LEVEL", 0)
            patch.setattr(book_rows, "SCANNED_ROWS", 3)
            patch.setattr(book_series, "PIECE_ROWS", 4)
            patch.setattr(book_series, "READ_ROWS", 5)
            patch.setattr(ladders, "WINDOW", 2)
        yield


VENUES = [
    ("venue", Rules()),
    ("kraken", Rules(2, (3,))),
    ("upbit", Rules(whole=True)),
]


@pytest.fixture(scope="module", params=VENUES, ids=[name for name, _ in VENUES])
def venue(request: pytest.FixtureRequest) -> Iterator[tuple[str, Rules]]:
    """An exchange and its rules; books that are cut are cut to few levels here."""
    name, rules = request.param
    with pytest.MonkeyPatch.context() as patch:
        if rules.depths:
            patch.setattr(type(registry.get(name)), "book_depth", rules.depth)
            patch.setattr(type(registry.get(name)), "book_depths", rules.depths)
        yield name, rules


@settings(max_examples=20)
@given(
    messages=st.lists(message, min_size=1, max_size=30),
    holes=st.lists(hole, max_size=3, unique_by=lambda each: each[0]),
    numbered=st.booleans(),
    every=st.integers(1, 7),
)
def test_any_recording_gives_the_books_of_its_rows(
    tmp_path_factory: pytest.TempPathFactory,
    venue: tuple[str, Rules],
    messages: list[Message],
    holes: list[tuple[int, int | None]],
    numbered: bool,
    every: int,
) -> None:
    """Asked while it grows, with late rows, over midnights, at and around every row."""
    name, rules = venue
    symbol = f"{name}:BTC-USD"
    recorder = Recorder(tmp_path_factory.mktemp("any"), names=((name, "BTC-USD"),))
    recorder.miss(
        *(
            GapRecord(
                0,
                Table.BOOK,
                None,
                None,
                at(begin),
                length if length is None else at(begin + length),
                Cause.DISCONNECT,
            )
            for begin, length in holes
        )
    )
    known = [
        (at(begin), None if length is None else at(begin + length), "disconnect")
        for begin, length in holes
    ]
    recorder.write(Table.TRADES, [{"event_ns": at(0)}])
    rec = tick_logger.open(recorder.folder)
    main: list[dict[str, Any]] = []
    late: list[dict[str, Any]] = []
    ms, moments = 0, {0}
    batches: list[list[tuple[list[dict[str, Any]], bool]]] = [[], [], []]
    for number, each in enumerate(messages):
        ms += each.after_ms
        moments |= {ms - 1, ms}
        made = rows_of(number, ms, each, numbered=numbered)
        batches[each.batch if each.late else number * 3 // len(messages)].append((made, each.late))
    for batch in batches:
        for is_late, into in ((False, main), (True, late)):
            made = [each for rows, of_late in batch if of_late is is_late for each in rows]
            if made:
                recorder.write(Table.BOOK, made, late=is_late)
            into.extend(made)
        days = {day_of(each["event_ns"]) for each in (*main, *late)}
        ordered = [
            each
            for day in sorted(days)
            for each in in_order(
                *([r for r in part if day_of(r["event_ns"]) == day] for part in (main, late))
            )
        ]
        asked = sorted(moments)
        for moment in asked[:: 1 + len(asked) // 12]:
            book = rec.book(symbol, at(moment))
            there = seen(ordered, at(moment), rules)
            asks, bids = there.book or ({}, {})
            assert list(map(tuple, book.bids.tolist())) == best(bids, 99, bids=True), moment
            assert list(map(tuple, book.asks.tolist())) == best(asks, 99, bids=False), moment
            assert book.cause == cause(known, at(moment), there.last)
            if there.last is not None:
                assert int(book.as_of.astype(np.int64)) == there.last["event_ns"]
        same_series(rec, symbol, ordered, rules, known, sorted(moments), every)


def same_series(
    rec: Recording,
    symbol: str,
    rows: list[dict[str, Any]],
    rules: Rules,
    holes: list[tuple[int, int | None, str]],
    moments: list[int],
    every: int,
) -> None:
    """The table of books around some moment, and of few over all days."""
    middle = moments[len(moments) // 2]
    for begin, end, step in (
        (middle - 9, middle + 9, every),
        (0, moments[-1] + 1, DAY_MS // 5),
    ):
        table = rec.books(symbol, at(begin), at(end), every=f"{step}ms", depth=2).numpy()
        assert table["ts"].astype(int).tolist() == [at(ms) for ms in range(begin, end, step)]
        for number, ms in enumerate(range(begin, end, step)):
            there = seen(rows, at(ms), rules)
            asks, bids = there.book or ({}, {})
            for name, side in (("bid", bids), ("ask", asks)):
                found = [
                    (table[f"{name}_{n}"][number], table[f"{name}_size_{n}"][number])
                    for n in range(2)
                ]
                known = [level for level in found if not math.isnan(level[0])]
                assert known == best(side, 2, bids=name == "bid"), (ms, name)
            assert table["cause"][number] == cause(holes, at(ms), there.last)
            expected = None if there.last is None else np.datetime64(there.last["event_ns"], "ns")
            assert table["as_of"][number] == expected or expected is None
