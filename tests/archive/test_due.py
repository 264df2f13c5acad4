"""Which days are sealed when: each that is over, in order, once; and how often it is certified."""

from __future__ import annotations

import pytest

from tick_logger.archive.due import due_days, is_over, next_ns

DAY = 20_786
NS_PER_HOUR = 3_600 * 10**9
END_NS = (DAY + 1) * 24 * NS_PER_HOUR


@pytest.mark.parametrize(
    ("now_ns", "over"),
    [(END_NS, False), (END_NS + NS_PER_HOUR - 1, False), (END_NS + NS_PER_HOUR, True)],
)
def test_a_day_is_over_a_while_after_its_end(now_ns: int, over: bool) -> None:
    """To the nanosecond."""
    assert is_over(DAY, now_ns, 3_600.0) is over


def test_days_are_due_in_order_and_once() -> None:
    """Those that were missed too; not today, and not one that lies in the future."""
    there = [DAY + 3, DAY, DAY - 40, DAY, DAY + 1, DAY + 90, DAY - 1]
    now_ns = END_NS + 24 * NS_PER_HOUR + NS_PER_HOUR
    assert due_days(there, {DAY - 1}, now_ns, 3_600.0) == [DAY - 40, DAY, DAY + 1]
    assert due_days(there, {DAY - 40, DAY - 1, DAY, DAY + 1}, now_ns, 3_600.0) == []
    assert due_days(there, {DAY - 1}, now_ns - 1, 3_600.0) == [DAY - 40, DAY]


def test_better_certificates_come_hourly_at_first_and_then_daily() -> None:
    """At most; counted from the first one."""
    moments, first = [0], 0
    while moments[-1] < 72 * NS_PER_HOUR:
        moments.append(next_ns(first, moments[-1]))
    assert [each // NS_PER_HOUR for each in moments] == [*range(25), 48, 72]
    assert next_ns(0, 23 * NS_PER_HOUR + 1) == 47 * NS_PER_HOUR + 1
