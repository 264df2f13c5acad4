"""A pipeline that loads another's state gives, byte for byte, what that one would have given."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import TypeAlias, get_args

import numpy as np
import pytest

from tests.pipeline.market import INSTRUMENTS, scene
from tests.pipeline.streams import (
    DAY,
    SECOND,
    T0,
    Level,
    Out,
    book,
    new_pipeline,
    quotes,
    tickers,
    trades,
)
from tick_logger.model.cause import Cause
from tick_logger.model.flush import Flush, IdRun, StreamTail
from tick_logger.model.marks import (
    AwaitSnapshot,
    Healed,
    Interrupted,
    LastTradeId,
    Mark,
    MissingIds,
    NoSnapshot,
    Resumed,
    Retired,
)
from tick_logger.model.proof import Ids
from tick_logger.model.routes import FIRST_LINE, REST, SECOND_LINE
from tick_logger.model.rows import RowBatch
from tick_logger.model.tables import SPECS, Table
from tick_logger.pipeline.pipeline import Pipeline, TickCounts
from tick_logger.pipeline.plain_state import Plain, item_from_plain, item_to_plain

Call: TypeAlias = Callable[[Pipeline], tuple[Flush, TickCounts] | None]

TAILS = {
    (0, Table.TRADES): StreamTail(
        *(T0 - 5, 2**53 - 3, T0 - 4),
        id_runs=(IdRun(2**53 - 9, 2**53 - 3, T0 - 9, T0 - 5, T0 - 8, T0 - 4),),
    ),
    (1, Table.QUOTES): StreamTail(T0 - 5, 7, T0 - 4),
    (2, Table.MD): StreamTail(T0 - 5, 0, T0 - 4),
}
"""What older versions left of some streams."""


KINDS = (Ids.DENSE, Ids.SEEM_DENSE, Ids.SPARSE, Ids.OPAQUE)
"""What the ids of trades are, by turns."""


def stored(state: Plain) -> Plain:
    """A state after a journey through a file; anything else than plain data fails."""
    found = copied(state)
    assert isinstance(found, dict)
    return found


def copied(plain: object) -> object:
    """Plain data again, with arrays that cannot be changed."""
    if type(plain) is dict:
        assert all(type(key) is str for key in plain)
        return {key: copied(value) for key, value in plain.items()}
    if type(plain) is list:
        return [copied(value) for value in plain]
    if type(plain) is np.ndarray:
        assert plain.ndim == 1
        return np.frombuffer(plain.tobytes(), plain.dtype)
    if type(plain) is int:
        assert -(2**63) <= plain < 2**64
    else:
        assert plain is None or type(plain) in (str, bool, float)
    return plain


def calls(rng: random.Random) -> list[Call]:
    """Everything that can be asked of a pipeline, in any order that can happen."""
    found: list[Call] = []
    everyone = tuple(range(INSTRUMENTS))
    clock = T0
    for number, items in enumerate(scene(rng)):
        at = T0 + number * SECOND // 1000
        if number % 5 == 4:
            one = rng.randrange(INSTRUMENTS)
            resumed = Resumed((one,), (Table.BOOK, Table.QUOTES), at)
            items.append(resumed if rng.random() < 0.5 else NoSnapshot(one, at))
        if number % 5 == 2:
            items.append(AwaitSnapshot(rng.randrange(INSTRUMENTS), at))  # which never comes
        found += [methodcaller("push", [item]) for item in items]
        found += [methodcaller("push", odd(rng, number, at))] * (number % 13 == 12)
        if number % 7 == 6:
            some = dict.fromkeys(rng.sample(everyone, 2), at)
            found.append(methodcaller("restarted", some, Cause.CRASH, 3))
        for _ in range(rng.choice([1, 1, 1, 6])):
            clock += rng.choice([1, 1, 7, 9_000]) * SECOND
            found.append(methodcaller("tick", rng.choice([clock, clock, None])))
        if number % 11 == 10:
            stopped = dict.fromkeys(everyone, at)
            found += [
                methodcaller("close", at),
                methodcaller("restarted", stopped, Cause.RESTART, 2),
            ]
    found.append(methodcaller("close", T0 + DAY))
    return found


def odd(rng: random.Random, number: int, at: int) -> list[RowBatch | Mark]:
    """A row of each table that comes at this time, with one that is an hour or a month off."""
    event, seq = at + rng.choice([3600 * SECOND, -30 * DAY]), 2**54 + number
    row = (rng.randrange(INSTRUMENTS), at, event, seq)
    level = Level(at, event, seq, 1, 1.0, 1.0, instrument=row[0])
    return [trades([row]), quotes([row]), tickers([row]), book([level])]


def said(released: tuple[Flush, TickCounts] | None) -> object:
    """An answer as something that can be compared."""
    if released is None:
        return None
    flush, counts = released
    runs = []
    for run in flush.runs:
        columns = [run.rows[name] for name in SPECS[run.table].all_fields]
        content = [(column.dtype, column.tobytes()) for column in columns]
        runs.append((run.instrument, run.table, run.day, run.origin, content))
    return runs, flush.gaps, flush.open_holes, counts


def loaded(state: Plain) -> Pipeline:
    """A fresh pipeline with this state."""
    pipeline = new_pipeline(TAILS, ids=KINDS)
    pipeline.load(state)
    return pipeline


@pytest.mark.parametrize("seed", range(10))
def test_a_pipeline_may_be_replaced_by_its_state_at_any_moment(seed: int) -> None:
    """Before each single call: the output is that of one pipeline that did it all."""
    whole, relay = new_pipeline(TAILS, ids=KINDS), new_pipeline(TAILS, ids=KINDS)
    for call in calls(random.Random(seed)):
        relay = loaded(stored(relay.dump()))
        assert said(call(relay)) == said(call(whole))
        assert relay.held_bytes == whole.held_bytes


@pytest.mark.parametrize("seed", range(5))
def test_a_state_stays_what_it_was_while_the_pipeline_goes_on(seed: int) -> None:
    """A checkpoint may be written while the recording continues."""
    rng = random.Random(seed)
    steps = calls(rng)
    pipeline = new_pipeline(TAILS, ids=KINDS)
    states, answers = [], []
    for call in steps:
        states.append(pipeline.dump())
        answers.append(said(call(pipeline)))
    for position in rng.sample(range(len(steps)), 3):
        again = loaded(states[position])
        assert [said(call(again)) for call in steps[position:]] == answers[position:]


def parts_in_use(plain: object, path: str = "") -> set[str]:
    """The paths of a state at which there is anything."""
    if isinstance(plain, dict):
        return {part for key in plain for part in parts_in_use(plain[key], f"{path}/{key}")}
    if isinstance(plain, list | np.ndarray):
        return {path} if len(plain) else set()
    return {path}


def test_these_calls_bring_about_every_part_of_the_state() -> None:
    """So that the tests above are about all of it."""
    every, ever, marks = set[str](), set[str](), set[str]()
    pipeline = new_pipeline(TAILS, ids=KINDS)
    for call in [*calls(random.Random(0)), *calls(random.Random(1))]:
        call(pipeline)
        state = pipeline.dump()
        every |= set(paths(state))
        ever |= parts_in_use(state)
        marks |= {item["mark"] for item in state["items"] if "mark" in item}
    assert marks == {mark.__name__ for mark in get_args(Mark)}
    ids = {f"/tables/{table}/ids" for table in Table if table is not Table.TRADES}
    # These have their own tests.
    never = {"/counts/strays", "/counts/twins", "/books/broken/late/resumed"}
    assert {path for path in every - ever - never if path.rpartition("/")[0] not in ids} == set()


def paths(plain: Plain, path: str = "") -> Iterator[str]:
    """The paths of all parts of a state."""
    for key, value in plain.items():
        if isinstance(value, dict):
            yield from paths(value, f"{path}/{key}")
        else:
            yield f"{path}/{key}"


@pytest.mark.parametrize(
    "mark",
    [
        Interrupted((1, 2**31 - 1), (Table.MD, Table.BOOK), T0, Cause.DISCONNECT),
        Resumed((), (), T0),
        MissingIds(3, Table.BOOK, 0, 2**64 - 1, T0, T0 + 1, Cause.SEQUENCE),
        LastTradeId(3, 2**63 - 1, T0),
        AwaitSnapshot(3, T0),
        NoSnapshot(3, T0),
        Retired((3, 4), T0),
        Healed(3, Table.TRADES, None, 2**64 - 1, T0, T0 + 1, Cause.CRASH, "void"),
    ],
)
def test_a_mark_comes_back_as_it_was(mark: Mark) -> None:
    """Tuples, tables and the largest numbers included."""
    assert item_from_plain(stored(item_to_plain(mark))) == mark


@pytest.mark.parametrize("rows", [trades([(5, T0, T0 + 1, 2**64 - 1)]), RowBatch.empty(Table.BOOK)])
def test_rows_come_back_as_they_were(rows: RowBatch) -> None:
    """Every column, its dtype and its values."""
    again = item_from_plain(stored(item_to_plain(rows)))
    assert isinstance(again, RowBatch)
    assert again.table is rows.table
    for name, dtype in SPECS[rows.table].all_fields.items():
        assert again[name].dtype == np.dtype(dtype)
        assert again[name].tobytes() == rows[name].tobytes()


@pytest.mark.parametrize("route", [FIRST_LINE, SECOND_LINE, REST])
def test_rows_know_their_route_again_whatever_it_was_called(route: int) -> None:
    """It was a way in the state of an earlier version."""
    plain = item_to_plain(RowBatch(Table.TRADES, trades([(5, T0, T0 + 1, 7)]).columns, route))
    for name in ("route", "way"):
        told = {name if key == "route" else key: value for key, value in plain.items()}
        again = item_from_plain(stored(told))
        assert isinstance(again, RowBatch)
        assert again.route == route


def test_a_state_of_before_there_were_clocks_is_continued() -> None:
    """It counted rows with absurd times, and knew nothing of venues."""
    pipeline = new_pipeline()
    pipeline.push([trades([(4, T0, T0, 1)])])
    pipeline.tick()
    state = stored(pipeline.dump())
    del state["times"]
    state["counts"]["bad_times"] = [[4, 1]]
    for run in state["stopped_runs"]:
        del run["origin"]
    again, out = loaded(state), Out()
    out.add(again.tick())
    assert out.keys(4) == [(T0, 1)]


def test_the_state_has_no_room_for_instruments_that_are_not_there() -> None:
    """Arrays end with the highest instrument in use."""
    pipeline = new_pipeline()
    pipeline.push([quotes([(2, T0, T0, 1)]), tickers([(700, T0, T0, 1)])])
    pipeline.tick()
    streams = {name: each["streams"] for name, each in pipeline.dump()["tables"].items()}
    assert {name: len(each["seen_seq"]) for name, each in streams.items()} == {
        "MD": 701,
        "TRADES": 0,
        "QUOTES": 3,
        "BOOK": 0,
    }
