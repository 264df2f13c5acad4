"""What two lines lack, by the marks of both: exactly what neither delivered.

The oracle knows what each line delivered, moment by moment, and nothing of marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.model.marks import MARKS
from tick_logger.model.cause import Cause
from tick_logger.model.marks import Doubt, Interrupted, Lapse, Mark, MissingIds, Resumed, Retired
from tick_logger.model.tables import Table
from tick_logger.pipeline.coverage import Coverage

ONE = (7,)
MD = (Table.MD,)
HOURS = 40  # moments of the drawn lives


@attrs.frozen
class Cut:
    """A line delivers nothing from `start` on until `end`, which is `noticed` in between."""

    start: int
    noticed: int
    end: int


@st.composite
def line_lives(draw: st.DrawFn) -> tuple[list[Cut], set[int]]:
    """When a line was cut or frozen, and which single moments it lost beside that."""
    edges = sorted(draw(st.lists(st.integers(1, HOURS - 1), max_size=8, unique=True)))
    cuts = []
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        cuts.append(Cut(start, draw(st.integers(start, end)), end))
    lost = draw(st.sets(st.integers(1, HOURS - 2), max_size=5))
    return cuts, {at for at in lost if not any(cut.start <= at < cut.end for cut in cuts)}


def lacks(life: tuple[list[Cut], set[int]], begins: int = 0) -> set[int]:
    """The moments that a line did not deliver."""
    cuts, lost = life
    return {t for cut in cuts for t in range(cut.start, cut.end)} | lost | set(range(begins))


def marks_of(
    life: tuple[list[Cut], set[int]], line: int, begins: int = 0
) -> list[tuple[int, Mark]]:
    """What such a line tells, and when it does."""
    cuts, lost = life
    told: list[tuple[int, Mark]] = [(begins, Resumed(ONE, MD, begins, line=line))]
    for cut in cuts:
        if cut.end <= begins:
            continue
        start = max(cut.start, begins)
        cause = Cause.SILENT if cut.noticed > cut.start else Cause.DISCONNECT
        told.append((max(cut.noticed, start), Interrupted(ONE, MD, start, cause, line)))
        told.append((cut.end, Resumed(ONE, MD, cut.end, line=line)))
    for at in lost:
        if at >= begins:
            told.append((at + 1, Lapse(ONE, MD, at, at + 1, Cause.SEQUENCE, line=line)))
    return sorted(told, key=lambda each: each[0])


def moments(marks: Iterable[Mark], until: int = HOURS) -> set[int]:
    """The moments that are told to be missing."""
    found, since = set[int](), None
    for mark in marks:
        if isinstance(mark, Interrupted) and since is None:
            since = mark.at_ns
        elif isinstance(mark, Resumed) and since is not None:
            found |= set(range(since, mark.at_ns))
            since = None
        elif isinstance(mark, Lapse):
            found |= set(range(mark.from_ns, mark.to_ns))
    return found if since is None else found | set(range(since, until))


def told(marks: Sequence[Mark], save_at: int | None = None) -> list[Mark]:
    """What a coverage tells; it is saved and loaded before the mark with this number."""
    coverage = Coverage()
    found: list[Mark] = []
    for number, mark in enumerate(marks):
        if number == save_at:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(coverage.dump()))
            coverage = Coverage()
            coverage.load(state)
        found += coverage.take(mark)
    return found


@given(line_lives(), line_lives(), st.integers(0, 10), st.integers(0, 20))
def test_what_is_told_is_what_neither_line_delivered(
    first: tuple[list[Cut], set[int]],
    second: tuple[list[Cut], set[int]],
    begins: int,
    save_at: int,
) -> None:
    """Lines are cut, freeze and are noticed late, and lose single messages."""
    both = sorted([*marks_of(first, 0), *marks_of(second, 1, begins)], key=lambda each: each[0])
    found = told([mark for _, mark in both], save_at)
    assert moments(found) == lacks(first) & lacks(second, begins)
    assert all(getattr(mark, "line", 0) == 0 for mark in found), "of lines nobody needs to know"


ids = st.integers(1, 30)


@given(st.lists(st.tuples(st.integers(0, 1), ids, st.integers(0, 4)), max_size=12))
def test_ids_are_missing_that_neither_line_delivered(skips: list[tuple[int, int, int]]) -> None:
    """The chains of both skip ids, told in whatever order."""
    marks: list[Mark] = [Resumed(ONE, (Table.BOOK,), 0, line=line) for line in (0, 1)]
    lacking: tuple[set[int], set[int]] = (set(), set())
    for line, first, more in skips:
        # A chain tells an id once.
        if lacking[line] & set(range(first, first + more + 1)):
            continue
        lacking[line].update(range(first, first + more + 1))
        times = 10 * first, 10 * (first + more) + 20
        marks.append(
            MissingIds(7, Table.BOOK, first, first + more, *times, Cause.SEQUENCE, line=line)
        )
    found = [mark for mark in told(marks) if isinstance(mark, MissingIds)]
    every = [id_ for mark in found for id_ in range(mark.from_id, mark.to_id + 1)]
    assert sorted(every) == sorted(lacking[0] & lacking[1]), "each once"


@given(st.lists(MARKS.filter(lambda mark: not getattr(mark, "line", 0)), max_size=20))
def test_streams_of_one_line_go_through_untouched(marks: list[Mark]) -> None:
    """As journals have them that know nothing of lines."""
    assert told(marks) == marks


def test_an_interruption_begins_and_ends_with_the_last_and_the_first_line() -> None:
    """It has the cause of the line that was interrupted last."""
    first, second = (Resumed(ONE, MD, 1), Resumed(ONE, MD, 2, line=1))
    cut = Interrupted(ONE, MD, 10, Cause.DISCONNECT)
    frozen = Interrupted(ONE, MD, 14, Cause.SILENT, line=1)
    again = Resumed(ONE, MD, 20, line=1)
    assert told([first, second, cut, frozen, again]) == [
        first,
        Resumed(ONE, MD, 2),
        Interrupted(ONE, MD, 14, Cause.SILENT),
        Resumed(ONE, MD, 20),
    ]


def test_what_a_frozen_line_lacked_is_told_after_the_fact() -> None:
    """As a closed span, in which dense ids tell themselves what is missing."""
    marks: list[Mark] = [
        Resumed(ONE, MD, 0),
        Resumed(ONE, MD, 0, line=1),
        Interrupted(ONE, MD, 110, Cause.DISCONNECT, line=1),
        Resumed(ONE, MD, 115, line=1),
        Interrupted(ONE, MD, 100, Cause.SILENT),
    ]
    assert told(marks)[-1] == Lapse(ONE, MD, 110, 115, Cause.DISCONNECT, ids_tell=True)


def test_what_was_doubtful_and_came_is_taken_back_in_the_same_words() -> None:
    """On the line alone nothing was told, and with the other a part of it."""
    doubtful = Lapse(ONE, MD, 10, 20, Cause.SEQUENCE, doubt=Doubt.OPEN)
    void = attrs.evolve(doubtful, doubt=Doubt.VOID)
    begun: list[Mark] = [Resumed(ONE, MD, 0), Resumed(ONE, MD, 0, line=1)]
    assert told([*begun, doubtful, void]) == [*begun[:1], Resumed(ONE, MD, 0)]
    cut: list[Mark] = [Interrupted(ONE, MD, 15, Cause.DISCONNECT, line=1)]
    part = Lapse(ONE, MD, 15, 20, Cause.DISCONNECT, doubt=Doubt.OPEN)
    assert told([*begun, *cut, doubtful, void])[2:] == [part, attrs.evolve(part, doubt=Doubt.VOID)]


@pytest.mark.parametrize("cause", [Cause.UNDECODABLE, Cause.DAMAGE])
def test_what_happens_to_both_lines_is_told_whatever_they_carry(cause: Cause) -> None:
    """The other line brought the same that could not be understood, or was lost with it."""
    begun: list[Mark] = [Resumed(ONE, MD, 0), Resumed(ONE, MD, 0, line=1)]
    lapse = Lapse(ONE, MD, 10, 20, cause)
    assert told([*begun, lapse])[2:] == [lapse]


def test_a_retired_stream_has_no_lines_any_more() -> None:
    """Recorded again, it is interrupted until one carries it."""
    begun: list[Mark] = [Resumed(ONE, MD, 0), Resumed(ONE, MD, 0, line=1)]
    again: list[Mark] = [Retired(ONE, 50, MD), Interrupted(ONE, MD, 60, Cause.REFUSED)]
    assert told([*begun, *again])[2:] == again


def test_streams_of_one_mark_that_fare_differently_have_marks_of_their_own() -> None:
    """Those of which the same is told share one."""
    three = (1, 2, 3)
    marks: list[Mark] = [
        Resumed(three, MD, 0),
        Resumed((2,), MD, 0, line=1),
        Interrupted(three, MD, 9, Cause.DISCONNECT),
    ]
    assert told(marks)[2:] == [Interrupted((1, 3), MD, 9, Cause.DISCONNECT)]
