"""Payloads that came on both lines: which are recognised, and what their connections hear."""

from __future__ import annotations

import attrs
import numpy as np

from tick_logger.exchanges.base import Acknowledged, BookLink, Counted, Decoded, DecodedRows, Event
from tick_logger.model.tables import Table
from tick_logger.model.twins import Twins
from tick_logger.net.intake.arrivals import Arrival
from tick_logger.net.intake.payload_twins import KEPT_SECS, PayloadTwins, Portion

TWINS = {Table.QUOTES: Twins.NUMBERED, Table.MD: Twins.UNTIMED, Table.BOOK: Twins.LED}


@attrs.frozen
class Named:
    """All that is looked at of a connection."""

    label: str


def arrival(label: str, *payloads: str, at: float = 1.0) -> Arrival:
    """What one read of a connection gave."""
    encoded = [each.encode() for each in payloads]
    return Arrival(Named(label), 0, at, encoded, 0)  # type: ignore[arg-type]


def said(
    *frames: int, table: Table = Table.QUOTES, events: tuple[tuple[int, Event], ...] = ()
) -> Decoded:
    """A row of a table in each of these payloads, of an instrument of the same number."""
    number = np.array(frames, np.int32)
    return Decoded((DecodedRows(table, {"instrument": number}, number),), events)


def both_lines() -> PayloadTwins:
    """An exchange with a connection on each line."""
    twins = PayloadTwins()
    for label in ("1.1", "1b.1"):
        portion = twins.look([arrival(label, label)])
        if portion is not None:
            portion.settle(Decoded(), TWINS)
    return twins


def looked(twins: PayloadTwins, *arrivals: Arrival) -> Portion:
    """What is found among these."""
    portion = twins.look(arrivals)
    assert portion is not None
    return portion


def test_one_line_costs_nothing() -> None:
    """Nothing is looked at, nor remembered, while there is no second line."""
    twins = PayloadTwins()
    assert twins.look([arrival("1.1", "a", "a"), arrival("2.1", "a")]) is None


def test_the_first_to_come_is_decoded_on_whatever_line() -> None:
    """In one portion, and in later ones; each stands for one of the other line."""
    twins = both_lines()
    portion = looked(twins, arrival("1.1", "a", "b"), arrival("1b.1", "b", "b", "c"))
    assert set(portion.twins) == {2}
    portion.settle(said(0, 1, 3, 4), TWINS)
    later = looked(twins, arrival("1b.1", "a", "a"), arrival("1.1", "c", "b"))
    assert set(later.twins) == {0, 2, 3}


def test_what_a_twin_says_is_what_the_first_said() -> None:
    """Rows, links of books and numbers of messages, under its own number."""
    twins = both_lines()
    first = looked(twins, arrival("1.1", "a", "b"))
    link = BookLink(1, 5, 6)
    first.settle(
        attrs.evolve(
            said(0, 1, events=((1, link),)),
            counted=Counted(np.array([0, 1], np.int32), np.array([7, 8], np.int64)),
        ),
        TWINS,
    )
    later = looked(twins, arrival("1b.1", "x", "b"))
    later.settle(said(0), TWINS)
    (echo,) = later.echoes()
    assert echo.events == ((1, link),)
    assert echo.counted is not None
    assert (echo.counted.frame.tolist(), echo.counted.number.tolist()) == ([1], [8])
    (rows,) = echo.rows
    assert (rows.frame.tolist(), rows.columns["instrument"].tolist()) == ([1], [1])


def test_what_is_about_a_connection_is_never_a_twin() -> None:
    """Acknowledgements, what gives no row, and what may be equal without being one."""
    twins = both_lines()
    portion = looked(twins, arrival("1.1", "ack", "beat", "ticker"), arrival("1b.1", "ack"))
    assert set(portion.twins) == {3}
    portion.settle(said(0, events=((0, Acknowledged(1)),)), TWINS)
    assert set(portion.twins) == set(), "it has to be decoded after all"
    later = looked(twins, arrival("1b.1", "beat"))
    assert set(later.twins) == set()
    for table in (Table.MD, Table.BOOK):
        rows = looked(twins, arrival("1.1", table.value))
        rows.settle(said(0, table=table), TWINS)
        assert set(looked(twins, arrival("1b.1", table.value)).twins) == set()


def test_a_connection_that_begins_has_no_twins_of_what_came_before() -> None:
    """The other line brought it while there was none here."""
    twins = both_lines()
    looked(twins, arrival("1.1", "a")).settle(said(0), TWINS)
    assert set(looked(twins, arrival("1b.2", "a")).twins) == set()


def test_what_a_connection_still_brings_that_is_handed_over_has_no_part_in_it() -> None:
    """Its successor brings the same, which would be counted twice."""
    twins = both_lines()
    looked(twins, arrival("1.2", "a"), arrival("1.1", "a")).settle(said(0, 1), TWINS)
    assert set(looked(twins, arrival("1b.1", "a", "a")).twins) == {0}


def test_lanes_and_shares_are_told_apart_and_what_is_old_is_forgotten() -> None:
    """So that memory has a bound."""
    twins = both_lines()
    for label in ("2-public.1", "2b-public.1", "2-business.1", "2b-business.1"):
        looked(twins, arrival(label, label)).settle(Decoded(), TWINS)
    looked(twins, arrival("2-public.1", "a")).settle(said(0), TWINS)
    assert set(looked(twins, arrival("2b-business.1", "a")).twins) == set()
    assert set(looked(twins, arrival("1b.1", "a")).twins) == set()
    late = arrival("2b-public.1", "a", at=1.0 + KEPT_SECS + 0.1)
    assert set(looked(twins, late).twins) == set()


def test_what_waits_while_the_other_line_is_down_is_forgotten_too() -> None:
    """Nothing comes there that could take it."""
    twins = both_lines()
    for second in range(30):
        looked(twins, arrival("1.1", f"{second}", at=float(second))).settle(said(0), TWINS)
    (pair,) = twins._pairs.values()
    assert len(pair.waiting[0]) <= KEPT_SECS + 1
    assert len(pair.order[0]) <= KEPT_SECS + 1
