"""Any rows, any question: what is read equals what plain Python reads from the same files."""

from __future__ import annotations

import itertools
from typing import Any, Literal

import numpy as np
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tick_logger
from tests.reader import oracle
from tests.reader.checking import METHODS, PUBLIC, plain, same
from tests.reader.recorded import Recorder, aside
from tests.storage.sample import DAY, MIDNIGHT_NS
from tick_logger.model.tables import ORIGIN_REST, Table
from tick_logger.model.times import NS_PER_DAY, day_of

SYMBOL = "venue:BTC-USD"
STEP_NS = 250_000_000
EDGE_NS = MIDNIGHT_NS + NS_PER_DAY
"""Rows lie around a midnight, some of them at the same moment."""

prices = st.sampled_from([0.0, 1e-8, 0.1, 84106.09, 1234567.89, 123456789012345.6, float("nan")])
moments = st.integers(-6, 6).map(lambda step: EDGE_NS + step * STEP_NS)
rows = st.fixed_dictionaries(
    {
        "event_ns": moments,
        "recv_ns": moments.map(lambda at: at + 1_500_000),
        "seq": st.sampled_from([0, 1, 2, 3, 2**60, 2**63 - 1, 2**64 - 1]),
        "side": st.integers(0, 1),
        "flags": st.integers(0, 1),
        **dict.fromkeys(("price", "size", "volume", "best_bid", "best_ask"), prices),
        **dict.fromkeys(("best_bid_size", "best_ask_size"), prices),
    }
)
some = st.lists(rows, max_size=8)


@st.composite
def recordings(draw: st.DrawFn) -> dict[str, Any]:
    """What was recorded of one table."""
    return {
        "table": draw(st.sampled_from(list(Table))),
        "width": draw(st.sampled_from(["f4", "f4+rest", "f8"])),
        "main": sorted(draw(some), key=lambda row: row["event_ns"]),
        "late": draw(some),
        "later": draw(some),
        "aside": draw(some),
    }


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    """What is asked, and by which pieces the answer is read."""
    edges = st.integers(-7, 7).map(lambda step: EDGE_NS + step * STEP_NS)
    start, end = sorted((draw(edges), draw(edges)))
    return {
        "start": start,
        "end": end,
        "late": draw(st.sampled_from(["merge", "drop", "only"])),
        "by": draw(st.sampled_from(["event", "received"])),
        "piece": draw(st.integers(1, 9)),
        "order": draw(st.randoms(use_true_random=False)),
    }


def write(recorder: Recorder, said: dict[str, Any]) -> None:
    """As a recorder does; what has a table's own fields only."""
    table: Table = said["table"]
    recorder.write(table, said["main"])
    recorder.write(table, said["late"], late=True)
    recorder.write(table, said["later"], late=True, origin=ORIGIN_REST)
    for day, found in itertools.groupby(said["aside"], key=lambda row: day_of(row["recv_ns"])):
        aside(recorder, table, [{**row, "event_ns": row["event_ns"] + NS_PER_DAY} for row in found], day)  # noqa: E501  # fmt: skip


@settings(max_examples=60)
@given(said=recordings(), asked=st.lists(questions(), min_size=3, max_size=3))
def test_any_question(
    tmp_path_factory: pytest.TempPathFactory, said: dict[str, Any], asked: list[dict[str, Any]]
) -> None:
    """Ranges, columns in any order, pieces, late rows, by event and by receipt."""
    recorder = Recorder(tmp_path_factory.mktemp("any"), said["width"])
    write(recorder, said)
    nobody = not any(said[name] for name in ("main", "late", "later", "aside"))
    rec = tick_logger.open(recorder.folder, layout="tick_logger")
    table = str(said["table"])
    folder = recorder.folder / "venue" / "BTC-USD"
    for question in asked:
        ask = getattr(rec, METHODS[table])
        names = list(PUBLIC[table])
        question["order"].shuffle(names)
        names = names[: max(1, question["piece"])]
        span = (question["start"], question["end"])
        how = {"late": question["late"], "by": question["by"]}
        if nobody:
            with pytest.raises(tick_logger.NotRecordedError):
                ask(SYMBOL, *span, **how)
            return
        expected = oracle.rows(folder, table, said["width"][:2], start=span[0], end=span[1], **how)
        found = ask(SYMBOL, *span, columns=names, **how)
        same(found, expected, names)
        pieces = [piece.numpy(names[0]) for piece in found.chunks(question["piece"])]
        assert b"".join(piece.tobytes() for piece in pieces) == found.numpy(names[0]).tobytes()


Late = Literal["merge", "drop", "only"]


@pytest.mark.parametrize("sink", ["polars", "pandas", "arrow", "duckdb"])
@pytest.mark.parametrize("late", ["merge", "only"])
def test_every_frame_has_the_same_values(
    tmp_path_factory: pytest.TempPathFactory, sink: str, late: Late
) -> None:
    """Those of numpy, sides as words, moments in UTC."""
    recorder = Recorder(tmp_path_factory.mktemp("frames"))
    base = {"recv_ns": EDGE_NS + 123_456_789, "price": 84106.09, "size": 1e-8}
    main = [{**base, "event_ns": EDGE_NS + n, "seq": n + 1, "side": n % 3} for n in range(7)]
    recorder.write(Table.TRADES, main)
    recorder.write(Table.TRADES, [{**base, "event_ns": EDGE_NS + 3, "seq": 9}], late=True)
    found = tick_logger.open(recorder.folder).trades(SYMBOL, 0, late=late)
    values = {name: plain(column) for name, column in found.numpy().items()}
    words = {1: "buy", -1: "sell", 0: None}
    values["side"] = [words[sign] for sign in values["side"]]
    frame: Any = getattr(found, sink)()
    arrow = _of_any(frame, sink)
    assert arrow.column_names == list(found.columns)
    for name in found.columns:
        column = arrow[name]
        if name.endswith("ts"):
            assert column.type.tz == "UTC" or sink == "duckdb"
            assert column.cast("timestamp[ns]").cast("int64").to_pylist() == values[name]
        else:
            assert column.to_pylist() == values[name], name


def _of_any(frame: Any, sink: str) -> Any:  # noqa: ANN401 - of other libraries
    """As an Arrow table."""
    match sink:
        case "pandas":
            return pyarrow.Table.from_pandas(frame, preserve_index=False)
        case "duckdb":
            found = frame.arrow()
            return found.read_all() if hasattr(found, "read_all") else found
        case "polars":
            return frame.to_arrow()
    return frame


def test_ids_of_one_moment_are_compared_as_they_are_on_disk(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Beyond 2^63 too, where an int64 shows them as negative."""
    recorder = Recorder(tmp_path_factory.mktemp("ids"))
    recorder.write(Table.TRADES, [{"event_ns": EDGE_NS, "seq": seq} for seq in (5, 2**64 - 1)])
    recorder.write(Table.TRADES, [{"event_ns": EDGE_NS, "seq": 2**63}], late=True)
    ids = tick_logger.open(recorder.folder).trades(SYMBOL, 0).numpy("id")
    assert ids.view(np.uint64).tolist() == [5, 2**63, 2**64 - 1]


def test_the_day_of_these_tests() -> None:
    """They lie around its end."""
    assert day_of(EDGE_NS - 1) == DAY
