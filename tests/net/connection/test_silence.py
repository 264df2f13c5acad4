"""Silent subscriptions, step by step: what is found, what is done, and what is left alone."""

from __future__ import annotations

import attrs
import numpy as np

from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import Subscription
from tick_logger.model.tables import FEEDS
from tick_logger.net.connection.context import Timeouts
from tick_logger.net.connection.silence import CHECK_SECS, SilenceWatch, Steps
from tick_logger.net.intake.rhythm import Rhythm

A, B = Subscription("A", "trades"), Subscription("B", "trades")
INDEX = {"A": 0, "B": 1}
TIMEOUTS = Timeouts(first_data_secs=120.0, data_secs=60.0, of_symbol={"A": 60.0, "B": 600.0})


class Greeter(TinyVenue):
    """Greets who subscribes to trades."""

    greets = frozenset({"trades"})


@attrs.define
class Scene:
    """An exchange's rhythm, and one connection after the other."""

    venue: TinyVenue = attrs.field(factory=TinyVenue)
    rhythm: Rhythm = attrs.field(factory=Rhythm)
    not_greeted: set[Subscription] = attrs.field(factory=set)
    now: float = 0.0
    live: set[Subscription] = attrs.field(factory=lambda: {A})
    wanted: set[Subscription] = attrs.field(factory=lambda: {A, B})
    watch: SilenceWatch = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        """A new connection."""
        self.watch = SilenceWatch(self.venue, INDEX, self.rhythm, self.not_greeted, self.now)

    def deliver(self, sub: Subscription = A) -> None:
        """A row comes now."""
        instruments = np.array([INDEX[sub.symbol]], np.int32)
        self.rhythm.delivered(FEEDS[sub.feed], instruments, np.array([self.now]))

    def look(self) -> Steps:
        """The watch looks now."""
        return self.watch.look(self.wanted, self.live, TIMEOUTS, self.now)

    def deliver_for(self, secs: float, every: float = 1.0, sub: Subscription = A) -> None:
        """Rows at a regular pace; nothing is to be done meanwhile."""
        until = self.now + secs
        while self.now < until:
            self.now += every
            self.deliver(sub)
            if not self.now % CHECK_SECS:
                assert self.look() == Steps()

    def until_something_happens(self, within: float = 10_000.0) -> tuple[float, Steps]:
        """Look at every interval; when there was something to do, and what."""
        for _ in range(int(within / CHECK_SECS)):
            self.now += CHECK_SECS
            steps = self.look()
            if steps != Steps():
                return self.now, steps
        return float("inf"), Steps()


def test_what_delivers_is_not_silent() -> None:
    """Nothing is done, and the longest usual silence passes unnoticed, and more."""
    scene = Scene()
    scene.deliver_for(100.0, every=10.0)
    scene.deliver_for(100.0)
    scene.now += 59.0
    assert scene.look() == Steps()


def test_each_step_is_taken_once_and_then_the_silence_is_normal() -> None:
    """Renewed after the timeout, moved after another, and the next alarm takes far longer."""
    scene = Scene()
    scene.deliver_for(100.0)
    assert scene.until_something_happens() == (165.0, Steps(renew=[(A, 65.0)]))
    assert scene.watch.silent == {A}
    assert scene.until_something_happens() == (230.0, Steps(move=[(A, 65.0)]))
    scene.connect()
    assert scene.watch.silent == set()
    at, steps = scene.until_something_happens()
    assert [sub for sub, _ in steps.renew] == [A]
    assert at == 230.0 + 4 * 65.0 + CHECK_SECS


def test_what_is_usual_counts_where_it_is_more_than_the_timeout() -> None:
    """Four times the longest silence that was normal."""
    scene = Scene()
    scene.deliver_for(770.0, every=35.0)
    assert scene.until_something_happens() == (770.0 + 145.0, Steps(renew=[(A, 145.0)]))


def test_every_symbol_has_its_own_timeout() -> None:
    """B is allowed ten times as much."""
    scene = Scene(live={A, B})
    for _ in range(100):
        scene.now += 1.0
        scene.deliver(A)
        scene.deliver(B)
    scene.look()
    steps = scene.until_something_happens()[1]
    assert [sub for sub, _ in steps.renew] == [A]
    scene.live = {B}
    at, steps = scene.until_something_happens()
    assert [sub for sub, _ in steps.renew] == [B]
    assert 700.0 < at <= 710.0


def test_a_subscription_that_delivers_again_has_recovered() -> None:
    """Then its steps begin from the first again."""
    scene = Scene()
    scene.deliver_for(100.0)
    scene.until_something_happens()
    scene.live = set()  # ended, and not yet granted again
    scene.now += 5.0
    assert scene.look() == Steps()
    assert scene.watch.silent == {A}
    scene.live = {A}
    scene.now += 1.0
    scene.deliver()
    assert scene.look() == Steps(recovered=[A])
    assert scene.watch.silent == set()
    _, steps = scene.until_something_happens()
    assert [sub for sub, _ in steps.renew] == [A]


def test_a_silence_that_a_renewal_ended_is_learned_when_it_comes_again() -> None:
    """The first may have been a fault; a market that is quiet now is not renewed for ever."""
    scene = Scene()
    scene.deliver_for(100.0)
    alarms = []
    for _ in range(3):
        began = scene.now
        at, steps = scene.until_something_happens()
        assert [sub for sub, _ in steps.renew] == [A]
        alarms.append(at - began)
        scene.now += 5.0
        scene.deliver()
        assert scene.look() == Steps(recovered=[A])
        scene.deliver_for(100.0)
    assert alarms == [65.0, 65.0, 4 * 70.0]


def test_what_nothing_is_known_of_is_left_alone() -> None:
    """An illiquid symbol after a start: no rhythm, and no greeting that could be missing."""
    scene = Scene()
    assert scene.until_something_happens() == (float("inf"), Steps())
    scene.deliver()
    assert scene.until_something_happens() == (float("inf"), Steps())


def test_what_should_have_been_greeted_and_was_not_is_renewed_then_moved_then_left() -> None:
    """Also by the connections after this one."""
    scene = Scene(Greeter())
    assert scene.until_something_happens() == (125.0, Steps(renew=[(A, 125.0)]))
    assert scene.until_something_happens() == (250.0, Steps(move=[(A, 125.0)]))
    scene.connect()
    assert scene.until_something_happens() == (float("inf"), Steps())


def test_what_was_greeted_may_be_silent_as_long_as_nothing_is_known_of_it() -> None:
    """The greeting says that the subscription works."""
    for greeted_at in (0.0, 1.0, 4.0):  # also at the very moment of the connection
        scene = Scene(Greeter())
        scene.now = greeted_at
        scene.deliver()
        scene.now = 0.0
        assert scene.until_something_happens() == (float("inf"), Steps())


def test_a_greeting_that_comes_after_all_counts_again() -> None:
    """On whatever connection: the next one that is missing is noticed."""
    scene = Scene(Greeter())
    for _ in range(2):
        scene.until_something_happens()
    assert scene.not_greeted == {A}
    scene.connect()
    scene.now += 1.0
    scene.deliver()
    scene.now += 1.0
    assert scene.look() == Steps()
    assert scene.not_greeted == set()
    scene.connect()
    _, steps = scene.until_something_happens()
    assert [sub for sub, _ in steps.renew] == [A]


def test_the_silence_of_a_new_connection_counts_from_its_beginning() -> None:
    """What passed while there was none is no silence of its subscriptions, and is not learned."""
    scene = Scene()
    scene.deliver_for(100.0)
    scene.now += 5000.0
    scene.connect()
    assert scene.until_something_happens(within=60.0) == (float("inf"), Steps())
    scene.deliver()
    scene.look()
    _, steps = scene.until_something_happens()
    assert steps == Steps(renew=[(A, 65.0)])


def test_what_is_no_longer_wanted_is_no_longer_silent() -> None:
    """A symbol that was delisted is silent for good, and nobody's concern."""
    scene = Scene()
    scene.deliver_for(100.0)
    scene.until_something_happens()
    scene.live, scene.wanted = set(), {B}
    scene.now += 5.0
    assert scene.look() == Steps()
    assert scene.watch.silent == set()
