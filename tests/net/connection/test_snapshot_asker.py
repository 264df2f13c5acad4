"""What a connection does about the snapshots of its books: marks, and payloads of its own."""

from __future__ import annotations

import attrs
from trio.testing import MockClock

from tests.fakes.clock import VirtualClock
from tests.net.bench import Bench, Connection, marks
from tests.net.played import PlayedDial, venue_on
from tests.net.small_venue import TinyVenue
from tick_logger.exchanges.base import BookCheck, BookLink
from tick_logger.model.marks import AwaitSnapshot, NoSnapshot
from tick_logger.net.connection.books import Books, Followers
from tick_logger.net.connection.snapshot_asker import SnapshotAsker

BTC = 0


class Ranged(TinyVenue):
    """Its snapshots come by REST."""

    book_check = BookCheck.RANGES


@attrs.define(eq=False)
class Scene:
    """A connection one of whose books has begun."""

    alive: bool = True
    clock: VirtualClock = attrs.field(factory=VirtualClock)
    bench: Bench = attrs.field(factory=lambda: Bench(venue=Ranged()))
    books: Books = attrs.field(factory=lambda: Books(Ranged(), lambda _: None, Followers()))
    asker: SnapshotAsker = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        venue = venue_on(self.bench, PlayedDial(self.clock))
        self.asker = SnapshotAsker(venue, Connection("1.1"), self.books, lambda: self.alive)
        self.books.hear(BookLink(BTC, 10, 12), 1, 0.0)


async def test_a_snapshot_is_of_use_while_the_connection_lives_and_none_has_come() -> None:
    """One that does not join changes nothing."""
    scene = Scene()
    assert scene.asker.awaits_snapshot(BTC)
    assert not scene.asker.accepts_snapshot(BTC, 8)
    scene.alive = False
    assert not scene.asker.awaits_snapshot(BTC)
    scene.alive = True
    assert scene.asker.accepts_snapshot(BTC, 9)
    assert scene.asker.awaits_snapshot(BTC)
    assert scene.asker.take_snapshot(BTC, 9, b"trade BTC 1")
    assert not scene.asker.awaits_snapshot(BTC)


async def test_a_snapshot_is_a_payload_of_its_connection(autojump_clock: MockClock) -> None:
    """Received now; rows wait for it from when it is being fetched."""
    scene = Scene()
    now_ns = scene.clock.now_ns()
    scene.asker.expect_snapshot(BTC)
    assert scene.asker.take_snapshot(BTC, 9, b"trade BTC 1")
    (batch,) = await scene.bench.drain()
    assert marks([batch]) == [AwaitSnapshot(BTC, now_ns)]
    assert batch.received.connections == ("1.1",)
    assert batch.received.recv_ns.tolist() == [now_ns]
    assert batch.received.split() == [b"trade BTC 1"]


async def test_one_that_has_not_come_lets_the_rows_go_on(autojump_clock: MockClock) -> None:
    """It is still awaited, unless it was given up for good."""
    scene = Scene()
    for for_good in (False, True):
        scene.asker.no_snapshot(BTC, for_good=for_good)
        assert scene.asker.awaits_snapshot(BTC) is not for_good
    now_ns = scene.clock.now_ns()
    assert marks(await scene.bench.drain()) == [NoSnapshot(BTC, now_ns)] * 2
