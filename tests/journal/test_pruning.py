"""Which segments go: never a needed one, the others by age and size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tick_logger.journal.pruning import removable
from tick_logger.journal.segment import SegmentInfo

SECOND = 10**9
FOR_EVER = 1e9
NO_LIMIT = 2**62


SEGMENTS = [
    SegmentInfo(3, 100, 50, 10 * SECOND),
    SegmentInfo(4, 200, 50, 20 * SECOND),
    SegmentInfo(5, 300, 50, 30 * SECOND),
    SegmentInfo(6, 400, 50, 40 * SECOND),
]
"""They end at seconds 20, 30 and 40; the last is written to."""


@pytest.mark.parametrize(
    ("needed_seq", "expected"),
    [
        (0, []),
        (100, []),
        (199, []),  # in segment 3
        (200, [3]),
        (299, [3]),
        (300, [3, 4]),
        (400, [3, 4, 5]),
        (9999, [3, 4, 5]),  # the active one never
    ],
)
def test_what_recovery_needs_stays(needed_seq: int, expected: list[int]) -> None:
    """With nothing to be kept beyond that."""
    found = removable(
        SEGMENTS, needed_seq=needed_seq, keep_secs=0, keep_bytes=0, now_ns=50 * SECOND
    )
    assert found == expected


@pytest.mark.parametrize(
    ("now_secs", "expected"),
    [
        (50, []),
        (80, []),  # segment 3 ended exactly 60 s ago
        (80.5, [3]),
        (90.5, [3, 4]),
        (10_000, [3, 4, 5]),
        (15, []),  # the clock was set back
        (-50, []),
    ],
)
def test_by_age(now_secs: float, expected: list[int]) -> None:
    """What ended more than a minute ago goes."""
    now_ns = int(now_secs * SECOND)
    found = removable(SEGMENTS, needed_seq=9999, keep_secs=60, keep_bytes=NO_LIMIT, now_ns=now_ns)
    assert found == expected


@pytest.mark.parametrize(
    ("keep_bytes", "expected"),
    [
        (200, []),
        (199, [3]),
        (150, [3]),
        (149, [3, 4]),
        (100, [3, 4]),
        (99, [3, 4, 5]),
        (0, [3, 4, 5]),
    ],
)
def test_by_size(keep_bytes: int, expected: list[int]) -> None:
    """All that stays, the active one too, has at most so many bytes, if that can be had."""
    found = removable(
        SEGMENTS, needed_seq=9999, keep_secs=FOR_EVER, keep_bytes=keep_bytes, now_ns=50 * SECOND
    )
    assert found == expected


def test_by_age_and_size() -> None:
    """Either is reason enough."""
    found = removable(SEGMENTS, needed_seq=9999, keep_secs=25, keep_bytes=120, now_ns=50 * SECOND)
    assert found == [3, 4]  # the first is old, the second too much


def test_a_segment_that_is_not_old_keeps_all_behind_it() -> None:
    """The clock was set back: nothing is taken out of the middle."""
    stepped = [
        SegmentInfo(1, 0, 10, 500 * SECOND),
        SegmentInfo(2, 10, 10, 510 * SECOND),  # so segment 1 ended then
        SegmentInfo(3, 20, 10, 30 * SECOND),
        SegmentInfo(4, 30, 10, 40 * SECOND),
    ]
    limits = {"needed_seq": 99, "keep_bytes": NO_LIMIT}
    assert removable(stepped, **limits, keep_secs=60, now_ns=200 * SECOND) == []
    assert removable(stepped, **limits, keep_secs=60, now_ns=571 * SECOND) == [1, 2, 3]


@pytest.mark.parametrize(
    ("segments", "needed_seq", "expected"),
    [
        # In the middle: it may hold what its neighbours do not, so it goes only with them.
        ([(1, 0), (2, None), (3, 50), (4, 60)], 49, []),
        ([(1, 0), (2, None), (3, 50), (4, 60)], 50, [1, 2]),
        ([(1, 0), (2, 20), (3, None), (4, 60)], 59, [1]),
        # The first.
        ([(1, None), (2, 20), (3, 30)], 19, []),
        ([(1, None), (2, 20), (3, 30)], 20, [1]),
        # The last, or all.
        ([(1, 0), (2, 10), (3, None)], 99, [1]),
        ([(1, None), (2, None)], 99, []),
    ],
)
def test_unreadable_header(
    segments: list[tuple[int, int | None]], needed_seq: int, expected: list[int]
) -> None:
    """It is not known what such a segment holds but by those around it."""
    found = removable(
        [SegmentInfo(number, first_seq, 10, 0) for number, first_seq in segments],
        needed_seq=needed_seq,
        keep_secs=0,
        keep_bytes=0,
        now_ns=50 * SECOND,
    )
    assert found == expected


def test_unreadable_header_has_no_age() -> None:
    """Its time of creation is not believed."""
    segments = [
        SegmentInfo(1, 0, 10, 10 * SECOND),
        SegmentInfo(2, None, 10, 0),
        SegmentInfo(3, 50, 10, 90 * SECOND),
    ]
    limits = {"needed_seq": 99, "keep_bytes": NO_LIMIT, "keep_secs": 60}
    assert removable(segments, **limits, now_ns=100 * SECOND) == []
    assert removable(segments, **limits, now_ns=151 * SECOND) == [1, 2]


@pytest.mark.parametrize("segments", [[], SEGMENTS[:1]])
def test_nothing_to_choose_from(segments: list[SegmentInfo]) -> None:
    """No segments, or only the active one."""
    assert removable(segments, needed_seq=999, keep_secs=0, keep_bytes=0, now_ns=9**20) == []


def test_segments_that_overlap() -> None:
    """A segment whose end was written again into the next is not needed from there on."""
    segments = [
        SegmentInfo(1, 0, 10, 0),
        SegmentInfo(2, 10, 10, 0),
        SegmentInfo(3, 10, 10, 0),
        SegmentInfo(4, 15, 10, 0),
    ]
    limits = {"keep_secs": 0, "keep_bytes": 0, "now_ns": SECOND}
    assert removable(segments, needed_seq=9, **limits) == []
    assert removable(segments, needed_seq=10, **limits) == [1, 2]


@st.composite
def journals(draw: st.DrawFn) -> tuple[list[SegmentInfo], list[int]]:
    """Segments with frames without a hole, and where each really begins.

    Some headers are unreadable, and times are in any order.
    """
    made: list[SegmentInfo] = []
    begins = [draw(st.integers(0, 5))]
    for number in range(draw(st.integers(0, 8))):
        readable = draw(st.integers(0, 3)) > 0
        size, created_ns = draw(st.integers(0, 20)), draw(st.integers(0, 50)) * SECOND
        made.append(SegmentInfo(number, begins[-1] if readable else None, size, created_ns))
        begins.append(begins[-1] + draw(st.integers(0, 4)))
    return made, begins


limits = st.fixed_dictionaries(
    {
        "needed_seq": st.integers(0, 40),
        "keep_secs": st.integers(0, 40) | st.just(float("inf")),
        "keep_bytes": st.integers(0, 120),
        "now_ns": st.integers(0, 100).map(lambda secs: secs * SECOND),
    }
)


@given(journals(), limits)
def test_nothing_that_is_needed_goes(
    journal: tuple[list[SegmentInfo], list[int]], limits: dict[str, int]
) -> None:
    """The oldest go, and every frame from the needed one on is in a segment that stays."""
    segments, begins = journal
    gone = removable(segments, **limits)
    assert gone == list(range(len(gone)))
    if gone:
        assert len(gone) < len(segments)
        assert begins[len(gone)] <= limits["needed_seq"]


@given(journals(), limits)
def test_nothing_goes_without_a_reason(
    journal: tuple[list[SegmentInfo], list[int]], limits: dict[str, int]
) -> None:
    """The last one that went was too old or too much; if another may go, the size is kept to."""
    segments, _ = journal
    gone = removable(segments, **limits)
    if gone:
        last = gone[-1]
        before = sum(each.size_bytes for each in segments[last:])
        ended = next(e.created_ns for e in segments[last + 1 :] if e.first_seq is not None)
        too_old = limits["now_ns"] - ended > limits["keep_secs"] * SECOND
        assert too_old or before > limits["keep_bytes"]
    stays = segments[len(gone) :]
    next_may_go = any(
        each.first_seq is not None and each.first_seq <= limits["needed_seq"] for each in stays[1:]
    )
    if next_may_go:
        assert sum(each.size_bytes for each in stays) <= limits["keep_bytes"]
