"""Numbers of all messages of a connection: what is missing, and what only comes late."""

from __future__ import annotations

import random
from collections import Counter

import attrs
import numpy as np
import pytest

from tick_logger.net.connection.following import Judgement
from tick_logger.net.connection.message_numbers import LATE_SECS, MOST_JUMPS, MessageNumbers

FOREVER = float("inf")


def begun(at_ns: int = 1) -> MessageNumbers:
    """Those of a connection that was made then."""
    numbers = MessageNumbers()
    numbers.begin(at_ns)
    return numbers


def heard(
    numbers: MessageNumbers, *said: int, at_ns: int = 10, now: float = 0.0
) -> dict[str, list[tuple[int, int]]]:
    """What follows from messages that come in one read, each a nanosecond after the one before."""
    times = np.arange(at_ns, at_ns + len(said))
    found = numbers.hear(np.array(said, np.int64), times, now)
    return {name: brackets for name, brackets in attrs.asdict(found).items() if brackets}


def test_numbers_that_rise_by_one_say_that_all_is_there() -> None:
    """From 0 on."""
    numbers = begun()
    assert [heard(numbers, number) for number in range(10)] == [{}] * 10
    assert heard(numbers, *range(10, 500)) == {}
    assert numbers.due_at == FOREVER
    assert numbers.take_lasting() == []
    assert not +numbers.judged  # which count what is worth counting


def test_a_number_that_is_skipped_is_a_jump_between_two_times() -> None:
    """Told at once, and waited for as long as a message may be late: counting goes on."""
    numbers = begun()
    heard(numbers, 0, at_ns=10)
    assert heard(numbers, 2, at_ns=20, now=5.0) == {"missing": [(10, 20)]}
    assert heard(numbers, 3, at_ns=30, now=5.5) == {}
    assert numbers.due_at == 5.0 + LATE_SECS
    assert numbers.take_lasting(5.999) == []
    assert numbers.take_lasting(6.0) == [(10, 20)]
    assert numbers.take_lasting() == []
    assert numbers.due_at == FOREVER
    assert +numbers.judged == {Judgement.GAP: 1}


@pytest.mark.parametrize("first", [1, 7])
def test_a_first_number_above_0_is_a_jump_since_the_connection_was_made(first: int) -> None:
    """What came before it was never seen."""
    numbers = begun(3)
    assert heard(numbers, first, first + 1, at_ns=10) == {"missing": [(3, 10)]}
    assert numbers.take_lasting(LATE_SECS) == [(3, 10)]


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (2, 0, 1), (1, 2, 0)])
def test_messages_that_change_places_in_one_read_are_all_there(order: tuple[int, ...]) -> None:
    """Also the first of all: nothing is told."""
    numbers = begun()
    assert heard(numbers, *order) == {}
    assert numbers.due_at == FOREVER
    assert heard(numbers, 3, 4) == {}
    assert Judgement.GAP not in +numbers.judged
    assert numbers.judged[Judgement.OUT_OF_ORDER] > 0


def test_what_was_missing_and_comes_late_is_taken_back() -> None:
    """When the last of it has come."""
    numbers = begun()
    heard(numbers, 0, at_ns=10)
    assert heard(numbers, 4, at_ns=20) == {"missing": [(10, 20)]}
    assert heard(numbers, 3, 1, at_ns=30) == {}
    assert heard(numbers, 2, 5, at_ns=40, now=0.9) == {"came": [(10, 20)]}
    assert numbers.due_at == FOREVER
    assert +numbers.judged == {Judgement.OUT_OF_ORDER: 3}


def test_a_jump_that_is_filled_in_part_lasts() -> None:
    """Nobody knows of what the message was that has not come."""
    numbers = begun()
    heard(numbers, 0, 5, at_ns=10)
    assert heard(numbers, 2, 4, 6) == {}
    assert numbers.take_lasting(LATE_SECS) == [(10, 11)]


def test_a_message_that_comes_too_late_changes_nothing() -> None:
    """The jump lasts."""
    numbers = begun()
    heard(numbers, 0, 2)
    assert len(numbers.take_lasting(LATE_SECS)) == 1
    assert heard(numbers, 1) == {}
    assert heard(numbers, 3) == {}
    assert numbers.take_lasting() == []
    assert +numbers.judged == {Judgement.GAP: 1, Judgement.OUT_OF_ORDER: 1}


def test_numbers_that_come_again_are_counted_only() -> None:
    """They change neither the newest number nor its time."""
    numbers = begun()
    heard(numbers, 0, 1, 2, at_ns=10)
    assert heard(numbers, 2, at_ns=20) == {}
    assert heard(numbers, 1, at_ns=30) == {}
    assert heard(numbers, 4, at_ns=40) == {"missing": [(12, 40)]}
    assert +numbers.judged == {Judgement.DUPLICATE: 1, Judgement.OUT_OF_ORDER: 1}


@pytest.mark.parametrize("number", [0, 1, 4000])
def test_a_counter_that_begins_again_is_followed(number: int) -> None:
    """At 0, or a thousand back.  Nothing proves that nothing is missing; a loss after it shows."""
    numbers = begun()
    heard(numbers, *range(5001), at_ns=0)
    again = [(5_000, 9_000)]
    assert heard(numbers, number, at_ns=9_000) == {"missing": again, "lasting": again}
    assert heard(numbers, number + 1, at_ns=9_001) == {}
    assert heard(numbers, number + 3, at_ns=9_010) == {"missing": [(9_001, 9_010)]}
    assert +numbers.judged == {Judgement.RESET: 1}


@pytest.mark.parametrize("told", [False, True])
def test_a_jump_before_a_new_beginning_lasts(told: bool) -> None:
    """What is missing of the old numbers does not come any more; nothing is told twice."""
    numbers = begun()
    heard(numbers, *range(2000), at_ns=0)
    old, again = (1_999, 3_000), (3_000, 3_001)
    if told:
        assert heard(numbers, 2001, at_ns=3_000) == {"missing": [old]}
        found = heard(numbers, 0, at_ns=3_001)
    else:
        found = heard(numbers, 2001, 0, at_ns=3_000)
    assert found == {"missing": [again] if told else [old, again], "lasting": [old, again]}


def test_a_number_less_far_behind_is_late() -> None:
    """Counting goes on where it was."""
    numbers = begun()
    heard(numbers, *range(5001))
    assert heard(numbers, 4001) == {}
    assert heard(numbers, 5001) == {}
    assert +numbers.judged == {Judgement.OUT_OF_ORDER: 1}


def test_no_more_jumps_are_waited_for_than_there_is_room_for() -> None:
    """Of more the oldest last, and every one is told."""
    numbers = begun()
    found = heard(numbers, *range(0, 2 * MOST_JUMPS + 10, 2), at_ns=0)
    jumps = [(n, n + 1) for n in range(MOST_JUMPS + 4)]
    assert sorted(found["missing"]) == jumps
    assert found["lasting"] == jumps[:4]
    assert numbers.take_lasting() == jumps[4:]


@pytest.mark.parametrize("seed", range(10))
def test_just_what_has_not_come_is_missing_in_the_end(seed: int) -> None:
    """Whatever is late, twice or lost, however it is cut into reads: by a plain reckoning."""
    rng = random.Random(seed)
    late: list[int] = []
    came: list[int] = []
    for number in range(400):
        fate = rng.random()
        if fate < 0.1:
            late.append(number)
        elif fate > 0.13:
            came += [number] * (2 if fate > 0.95 else 1)
        if late and rng.random() < 0.4:
            came.append(late.pop(0))
    lost = set(range(max(came))) - set(came)
    numbers = begun(0)
    missing: Counter[tuple[int, int]] = Counter()
    lasting: list[tuple[int, int]] = []
    start = 0
    while start < len(came):
        stop = start + rng.randint(1, 12)
        found = heard(numbers, *came[start:stop], at_ns=1 + start)
        start = stop
        missing.update(found.get("missing", []))
        missing.subtract(found.get("came", []))
        lasting += found.get("lasting", [])
        assert min(missing.values(), default=0) >= 0, "taken back before it was told"
    lasting += numbers.take_lasting()
    assert Counter(lasting) == +missing
    first_seen = {number: 1 + came.index(number) for number in came}
    ends = {until for _, until in lasting}
    for number in lost:  # told when the first came that is beyond it
        assert min(at for seen, at in first_seen.items() if seen > number) in ends
    assert len(lasting) <= len(lost)


def test_a_jump_that_is_told_of_otherwise_is_no_news() -> None:
    """That to the first message after an overflow, by its time of receipt; the next jump is."""
    numbers = begun()
    assert heard(numbers, 0, 1) == {}
    numbers.excuse(30)
    assert heard(numbers, 9, 10, at_ns=30) == {}
    assert not +numbers.judged
    assert heard(numbers, 12, at_ns=50) == {"missing": [(31, 50)]}
